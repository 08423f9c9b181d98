// The device flow: a device shows a code; a person enters it, signs in, and decides.
import { Device } from './device.ts';
import { allow, openConsent, hydrated, codeField, consentHeading, enterCode, expect, heading, pickedUp, press, signIn, startedThis, test } from './fixtures.ts';
import { quoted, t, textLike, titled, titledRefused } from './i18n.ts';
import { CLIENT } from './portal.ts';

test('@look device flow: code, sign-in, approval, token', async ({ page, portal, scripts }) => {
  const device = await Device.start(portal);
  await page.goto('/device');
  await expect(page).toHaveTitle(titled(t('device-title')));
  await codeField(page).fill(device.code);
  await press(page, t('device-continue'));

  await expect(page.getByText(t('sign-in-code-kept'))).toBeVisible();
  await signIn(page);

  await expect(page).toHaveTitle(titled(consentHeading));
  await expect(page.locator('.compare')).toContainText(device.code);
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - paragraph: ${quoted('consent-compare')}
    - term: ${quoted('consent-application')}
    - definition:
      - strong: ${CLIENT.name}
      - text: ${quoted('client-not-verified')}
    - term: ${quoted('consent-requested')}
    - definition:
      - time
    - term: ${quoted('consent-from')}
    - definition: ${quoted('consent-from-same', { from: '127.0.0.1' })}
    - term: ${quoted('consent-program')}
    - definition: "notebook/4.2 ${t('consent-program-says')}"
    - region ${quoted('consent-may')}:
      - list:
        - listitem:
          - strong: ${quoted('consent-may-log-in')}
          - text: ${quoted('consent-may-log-in-more')}
        - listitem: ${quoted('consent-may-see-hosts')}
        - listitem: ${quoted('consent-may-know')}
    - group ${quoted('consent-hosts')}:
      - checkbox "testhost1 ${t('consent-as')} testhostaccount1" [checked]
    - group ${quoted('consent-how-long')}:
      - radio /${t('span-hours', { count: 8 })}/ [checked]
      - radio /${t('span-days', { count: 7 })}/
      - radio /${t('span-days', { count: 30 })}/
    - checkbox ${quoted('consent-confirmation')}
    - button ${quoted('consent-deny')}
    - button ${quoted('consent-allow')}
  `);
  expect(page.url(), 'the code is in no address').not.toContain(device.code);
  await page.getByRole('radio', { name: t('span-days', { count: 7 }) }).check();
  await allow(page);

  await expect(page.getByRole('main').getByRole('status')).toHaveText(t('pickup-waiting'));
  await expect(page.getByRole('main')).toContainText(t('consent-account-on', { host: 'testhost1', account: 'testhostaccount1' }));
  if (scripts) await page.evaluate(() => ((window as any).stillThisPage = true));
  expect(await device.poll()).toBe('token');
  if (scripts) {
    await expect(page.getByRole('main').getByRole('status')).toHaveText(textLike('pickup-at-from', { time: /\d+ \w+ \d{4}, \d\d:\d\d \S+/, from: '127.0.0.1' }));
    expect(await page.evaluate(() => (window as any).stillThisPage), 'told without reloading').toBe(true);
  } else {
    await page.getByRole('link', { name: t('pickup-look-again') }).click();
    await expect(page.getByRole('main').getByRole('status')).toHaveText(pickedUp);
    await expect(page.getByRole('link', { name: t('pickup-look-again') })).toHaveCount(0);
  }
});

test('@look a denied device gets no token', async ({ page, portal }) => {
  const device = await openConsent(page, portal);
  await press(page, t('consent-deny'));
  await expect(heading(page)).toHaveText(t('result-denied'));
  await expect(page.getByRole('main')).toContainText(t('result-denied-means'));
  expect(await device.poll()).toBe('access_denied');
  await enterCode(page, device.code);
  await expect(page.getByRole('alert')).toHaveText(t('code-refused-not-valid'));
});

test('Allow requires the confirmation and keeps the choices', async ({ page, portal }) => {
  const device = await openConsent(page, portal);
  await press(page, t('consent-allow'));
  await expect(page).toHaveTitle(titledRefused(consentHeading));
  await expect(page.getByRole('alert')).toHaveText(t('decision-refused-not-confirmed'));
  const confirmation = startedThis(page);
  await expect(confirmation).toHaveAttribute('aria-invalid', 'true');
  await expect(confirmation).toHaveAccessibleDescription(t('decision-refused-not-confirmed'));
  await page.reload();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await allow(page);
  expect(await device.poll()).toBe('token');
});

test('host accounts that are not selected are not shared', async ({ page, portal }) => {
  await openConsent(page, portal);
  await page.getByRole('checkbox', { name: 'testhost1' }).uncheck();
  await allow(page);
  await expect(page.getByText(t('result-no-host'), { exact: true })).toBeVisible();
});

test('access is revoked before and after redemption', async ({ page, portal }) => {
  const early = await openConsent(page, portal);
  await allow(page);
  await press(page, t('result-revoke'));
  await expect(heading(page)).toHaveText(t('result-revoked'));
  expect(await early.poll()).toBe('access_denied');

  const late = await openConsent(page, portal);
  await allow(page);
  expect(await late.poll()).toBe('token');
  await press(page, t('result-revoke'));
  await expect(heading(page)).toHaveText(t('result-revoked'));
});

test('@phone a report without sign-in stops the request', async ({ page, portal }) => {
  const device = await Device.start(portal);
  await page.goto('/device');
  await page.getByRole('main').getByRole('link', { name: t('not-started') }).click();
  await codeField(page).fill(device.code);
  await press(page, t('report-button'));
  await expect(heading(page)).toHaveText(t('report-thanks'));
  expect(await device.poll()).toBe('access_denied');
  await page.reload();
  await expect(heading(page)).toHaveText(t('not-started'));
});

test('a report from the consent page has the code filled in', async ({ page, portal }) => {
  const device = await openConsent(page, portal);
  await page.getByRole('main').getByRole('link', { name: t('not-started') }).click();
  await expect(codeField(page)).toHaveValue(device.code);
  await press(page, t('report-button'));
  await expect(heading(page)).toHaveText(t('report-thanks'));
  await page.goto('/device');
  await expect(heading(page)).toHaveText(t('device-title'));
});

test('Back after a decision does not submit again', async ({ page, portal }) => {
  const device = await openConsent(page, portal);
  const decisions: string[] = [];
  page.on('request', request => request.method() === 'POST' && decisions.push(request.url()));
  await press(page, t('consent-deny'));
  await expect(heading(page)).toHaveText(t('result-denied'));
  await page.goBack();
  await expect(heading(page), 'it is answered').toHaveText(t('result-denied'));
  await page.reload();
  await expect(heading(page)).toHaveText(t('result-denied'));
  expect(decisions.filter(address => address.includes('decide'))).toHaveLength(1);
  expect(await device.poll()).toBe('access_denied');
});

test('@js a double click on Allow submits once', async ({ page, portal }) => {
  const device = await openConsent(page, portal);
  await hydrated(page);
  const decisions: string[] = [];
  page.on('request', request => request.url().includes('decide') && decisions.push(request.url()));
  await startedThis(page).check();
  await page.getByRole('button', { name: t('consent-allow') }).dblclick();
  await expect(heading(page)).toHaveText(t('result-connected'));
  expect(decisions).toHaveLength(1);
  expect(await device.poll()).toBe('token');
});

test('@nojs a double click on Allow has one result', async ({ page, portal }) => {
  const device = await openConsent(page, portal);
  await startedThis(page).check();
  await page.getByRole('button', { name: t('consent-allow') }).dblclick();
  await expect(heading(page)).toHaveText(t('result-connected'));
  expect(await device.poll()).toBe('token');
});

test('@js the countdown is correct after a suspend, and ends', async ({ page, portal }) => {
  await page.clock.install();
  await openConsent(page, portal);
  await hydrated(page);
  const countdown = page.locator('.countdown');
  await expect(countdown).toHaveText(/^1[45]:\d\d$/);
  await page.clock.fastForward('05:00');
  await expect(countdown).toHaveText(/^(9:\d\d|10:00)$/);
  await page.clock.fastForward('11:00');
  await expect(countdown).toHaveText(t('consent-expired'));
});

test('a code can be entered after another one', async ({ page, portal }) => {
  const first = await openConsent(page, portal);
  await press(page, t('consent-another-code'));
  await expect(heading(page)).toHaveText(t('device-title'));
  const second = await openConsent(page, portal);
  await press(page, t('consent-deny'));
  await enterCode(page, first.code);
  await allow(page);
  expect(await second.poll()).toBe('access_denied');
  expect(await first.poll()).toBe('token');
});

test('a code that is open in one browser is refused in another', async ({ page, portal, anotherBrowser }) => {
  const device = await Device.start(portal);
  await enterCode(page, device.code);
  await expect(heading(page)).toHaveText(t('sign-in'));
  const other = await anotherBrowser();
  await enterCode(other, device.code);
  await signIn(other);
  await expect(other.getByRole('alert')).toHaveText(textLike('code-refused-claimed', { wait: /.+/ }));
});

test('a second decision changes nothing', async ({ page, portal }) => {
  const device = await openConsent(page, portal);
  const twin = await page.context().newPage();
  await twin.goto(page.url());
  await press(page, t('consent-deny'));
  await expect(heading(page)).toHaveText(t('result-denied'));
  await startedThis(twin).check();
  await press(twin, t('consent-allow'));
  await expect(heading(twin)).toHaveText(t('result-denied'));
  expect(await device.poll()).toBe('access_denied');
});

test('each of two tabs completes its own request', async ({ page, portal }) => {
  const first = await openConsent(page, portal);
  const tab = await page.context().newPage();
  const second = await openConsent(tab, portal);
  await page.getByRole('radio', { name: t('span-days', { count: 30 }) }).check();
  await press(page, t('consent-allow'));
  await expect(page.getByRole('alert')).toHaveText(t('decision-refused-not-confirmed'));
  await expect(page.locator('.compare')).toContainText(first.code);
  await expect(page.getByRole('radio', { name: t('span-days', { count: 30 }) })).toBeChecked();
  await tab.reload();
  await expect(tab.getByRole('alert')).toHaveCount(0);
  await expect(tab.getByRole('radio', { name: t('span-hours', { count: 8 }) })).toBeChecked();

  await allow(page);
  await press(tab, t('consent-deny'));
  await expect(heading(tab)).toHaveText(t('result-denied'));
  expect([await first.poll(), await second.poll()]).toEqual(['token', 'access_denied']);
  await page.reload();
  await expect(page.getByRole('main').getByRole('status')).toHaveText(pickedUp);
  await press(page, t('result-revoke'));
  await expect(heading(page)).toHaveText(t('result-revoked'));
  await tab.reload();
  await expect(heading(tab)).toHaveText(t('result-denied'));
});

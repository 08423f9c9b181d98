// The consent page of a person with six host accounts.
import AxeBuilder from '@axe-core/playwright';
import { Device } from './device.ts';
import { allow, expect, openConsent, press, signedIn, enterCode, startedThis, test } from './fixtures.ts';
import { es, t } from './i18n.ts';
import { apiAdmin, linkAccounts } from './machines.ts';
import type { Portal } from './portal.ts';

// Together with the account of the test data, six.
const HOSTS = ['frontera.example.edu', 'ls6.example.edu', 'stampede3.example.edu', 'vista.example.edu', 'corral.example.edu'];
const PHONE = { width: 390, height: 844 };

let secret = '';

test.use({ alone: { prepare: async operator => void (secret = await apiAdmin(operator)) } });

async function linkSix(portal: Portal) {
  await linkAccounts(portal, secret, HOSTS);
}

const accounts = (page: import('@playwright/test').Page) => page.getByRole('group', { name: t('consent-hosts') });

test('on a phone, Deny and Allow are on the second screen at the latest', async ({ page, portal }) => {
  await page.setViewportSize(PHONE);
  await linkSix(portal);
  await openConsent(page, portal);
  const buttons = [page.getByRole('button', { name: t('consent-deny'), exact: true }), page.getByRole('button', { name: t('consent-allow'), exact: true })];
  const [deny, allowed] = await Promise.all(buttons.map(button => button.boundingBox()));
  expect(Math.max(deny!.y + deny!.height, allowed!.y + allowed!.height)).toBeLessThanOrEqual(2 * PHONE.height);
  expect([allowed!.width, allowed!.height], 'the same size').toEqual([deny!.width, deny!.height]);
  expect(deny!.y < allowed!.y || deny!.x < allowed!.x, 'Deny is first').toBe(true);
  await expect(startedThis(page)).not.toBeChecked();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
});

test.describe('in Spanish', () => {
  test.use({ locale: 'es-ES' });

  test('long texts do not make a phone scroll sideways', async ({ page, portal }) => {
    const asked = await page.request.post(`${portal.url}/t/test/oauth/device_authorization`, { form: { client_id: 'tms-cli' } });
    await signedIn(page);
    const form = { form_account: 'test/testuser1', user_code: (await asked.json()).user_code };
    const consent = (await page.request.post('/api/device/enter', { form })).url();
    for (const width of [320, PHONE.width]) {
      await page.setViewportSize({ ...PHONE, width });
      for (const address of ['/', consent]) {
        await page.goto(address);
        await expect(page.getByText(es('client-any-program')).first()).toBeVisible();
        expect.soft(await page.evaluate(() => document.documentElement.scrollWidth), `${address} at ${width} px`).toBeLessThanOrEqual(width);
      }
    }
  });
});

test('the list of accounts is shown for a selection only', async ({ page, portal }) => {
  await linkSix(portal);
  const device = await openConsent(page, portal);
  await expect(page.getByRole('radio', { name: t('consent-all-accounts', { count: 6 }) })).toBeChecked();
  await expect(page.getByRole('checkbox', { name: 'frontera' })).toBeHidden();
  await page.getByRole('radio', { name: t('consent-selected-accounts') }).check();
  for (const host of HOSTS) await expect(page.getByRole('checkbox', { name: host })).toBeChecked();
  await page.getByRole('checkbox', { name: 'testhost1' }).uncheck();
  await page.getByRole('checkbox', { name: 'corral' }).uncheck();
  // A refusal keeps the choice.
  await press(page, t('consent-allow'));
  await expect(page.getByRole('alert')).toHaveText(t('decision-refused-not-confirmed'));
  await expect(page.getByRole('checkbox', { name: 'corral' })).not.toBeChecked();
  await allow(page);
  await expect(page.getByRole('main')).toContainText(t('consent-account-on', { host: 'frontera.example.edu', account: 'jdoe' }));
  await expect(page.getByRole('main')).not.toContainText('corral');
  expect(await device.poll()).toBe('token');
});

test('an application gets all accounts, or none', async ({ page, portal }) => {
  await linkSix(portal);
  await openConsent(page, portal);
  await allow(page);
  for (const host of HOSTS) await expect(page.getByRole('main')).toContainText(host);
  await openConsent(page, portal);
  await accounts(page).getByRole('radio', { name: t('consent-no-accounts') }).check();
  await allow(page);
  await expect(page.getByText(t('result-no-host'), { exact: true })).toBeVisible();
});

test('@js the choice of many accounts is accessible', async ({ page, portal }) => {
  await linkSix(portal);
  await openConsent(page, portal);
  await page.getByRole('radio', { name: t('consent-selected-accounts') }).check();
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  expect((await new AxeBuilder({ page }).withTags(tags).analyze()).violations).toEqual([]);
});

test('a person without host accounts links one and returns', async ({ page, portal }) => {
  await signedIn(page);
  await page.request.post('/api/hosts/unlink', { form: { form_account: 'test/testuser1', account: await firstAccount(page) } });
  const device = await Device.start(portal);
  await enterCode(page, device.code);
  await expect(page.getByText(t('consent-no-hosts'))).toBeVisible();
  await expect(page.getByText(t('consent-may-log-in'))).toHaveCount(0);
  await expect(page.getByRole('group', { name: t('consent-how-long') })).toHaveCount(0);
  const consent = page.url();
  await page.getByRole('link', { name: t('hosts-link') }).click();
  await expect(page.getByText(t('link-for-a-request'))).toBeVisible();
  await page.getByRole('link', { name: t('link-back-to-request') }).click();
  await expect(page).toHaveURL(consent);
});

/** The id of the test person's account. */
async function firstAccount(page: import('@playwright/test').Page): Promise<string> {
  await page.goto('/hosts');
  const href = await page.getByRole('link', { name: t('hosts-unlink') }).first().getAttribute('href');
  return new URL(href!, 'http://x').searchParams.get('account')!;
}

// The other pages, and error pages.
import { openConsent, hydrated, consentHeading, expect, heading, signedIn, test } from './fixtures.ts';
import { quoted, t, titledRefused } from './i18n.ts';
import { CLIENT } from './portal.ts';

test('home links to the code form when signed out', async ({ page }) => {
  await page.goto('/');
  await expect(heading(page)).toHaveText(t('home-welcome'));
  await page.getByRole('link', { name: t('nav-device') }).click();
  await expect(heading(page)).toHaveText(t('device-title'));
});

test('home shows a pending request and links to it', async ({ page, portal }) => {
  await openConsent(page, portal);
  await page.goto('/');
  await expect(page.getByText(`${CLIENT.name} ${t('client-not-verified')} ${t('home-asks')}`).first()).toBeVisible();
  await page.getByRole('link', { name: t('home-look') }).first().click();
  await expect(heading(page)).toHaveText(consentHeading);
});

test('@js the command for the terminal can be copied', async ({ page, context, portal }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signedIn(page);
  await page.goto('/');
  await hydrated(page);
  await page.getByRole('button', { name: t('copy') }).click();
  await expect(page.locator('.toast')).toHaveText(t('copied'));
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`tms login --server ${portal.url} --tenant test`);
});

test('@nojs the command is shown without a copy button', async ({ page, portal }) => {
  await signedIn(page);
  await page.goto('/');
  await expect(page.getByRole('button', { name: t('copy') })).toBeHidden();
  await expect(page.getByText(`tms login --server ${portal.url} --tenant test`)).toBeVisible();
});

test('hosts lists the account, its state and its expiry', async ({ page }) => {
  await signedIn(page);
  await page.goto('/hosts');
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - heading ${quoted('hosts-title')} [level=1]
    - heading "testhost1" [level=2]
    - list:
      - listitem:
        - heading "testhostaccount1" [level=3]
        - term: "${t('hosts-linked')}:"
        - definition:
          - time
          - text: /${t('hosts-linked-by-admin')}/
        - term: "${t('hosts-expires')}:"
        - definition: ${quoted('never')}
        - term: "${t('hosts-last-login')}:"
        - term: "${t('hosts-keys')}:"
        - link ${quoted('hosts-unlink-this', { account: 'testhostaccount1', host: 'testhost1' })}
  `);
  await expect(page.getByRole('link', { name: t('nav-hosts'), exact: true })).toHaveAttribute('aria-current', 'page');
});

test('the result without a request says so', async ({ page }) => {
  await signedIn(page);
  await page.goto('/device/result');
  await expect(heading(page)).toHaveText(t('result-nothing'));
});

test('@phone an unknown URL is 404 and links home', async ({ page }) => {
  const response = await page.goto('/no-such-page');
  expect(response?.status()).toBe(404);
  await expect(page).toHaveTitle(titledRefused(t('error-not-found')));
  await page.getByRole('link', { name: t('error-home') }).click();
  await expect(page).toHaveURL('/');
});

test('an action opened as a URL is 405', async ({ page }) => {
  await signedIn(page);
  const response = await page.goto('/api/device/decide');
  expect(response?.status()).toBe(405);
  await expect(heading(page)).toHaveText(t('error-method'));
});

test('a form from another site is refused', async ({ page, portal }) => {
  const answer = await page.request.post('/api/device/enter', {
    form: { user_code: 'BBBB-BBBB' },
    headers: { origin: 'http://elsewhere.example', 'sec-fetch-site': 'cross-site', accept: 'text/html' },
  });
  expect(answer.status()).toBe(403);
  expect(await answer.text()).toContain(t('error-forbidden'));
  expect(portal.url).not.toContain('elsewhere');
});

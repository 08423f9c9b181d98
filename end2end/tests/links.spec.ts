// Linking a host account from its host.
import { codeField, expect, heading, press, signedIn, signIn, test } from './fixtures.ts';
import { Host } from './host.ts';
import { t, textLike } from './i18n.ts';

test('an entered code names the account and links it', async ({ page, portal }) => {
  const host = await Host.start(page, portal);
  const account = await host.ask('jd');
  await page.context().clearCookies();
  await page.goto('/hosts/link');
  await signIn(page);
  await expect(heading(page)).toHaveText(t('link-title'));
  await codeField(page).fill(account.code.toLowerCase());
  await press(page, t('device-continue'));
  await expect(heading(page)).toHaveText(t('link-question', { account: 'jd', host: host.name }));
  await expect(page.getByText(account.code, { exact: true })).toBeVisible();
  expect(await account.status()).toBe('pending');
  await press(page, t('link-link'));
  await expect(page.getByRole('status').filter({ hasText: textLike('link-linked', { account: 'jd', host: host.name, until: /.+/ }) })).toBeVisible();
  expect(await account.status()).toBe('linked');

  // It is renewed in the same way.
  const again = await host.ask('jd');
  await page.goto('/hosts/link');
  await codeField(page).fill(again.code);
  await press(page, t('device-continue'));
  await expect(page.getByText(textLike('link-yours', { until: /.+/ }))).toBeVisible();
  await press(page, t('link-renew'));
  await expect(page.getByRole('status').filter({ hasText: textLike('link-renewed', { account: 'jd', host: host.name, until: /.+/ }) })).toBeVisible();
});

test('"Not me" links nothing and is reported to the host', async ({ page, portal }) => {
  const host = await Host.start(page, portal);
  const account = await host.ask('jd');
  await page.goto('/hosts/link');
  await codeField(page).fill(account.code);
  await press(page, t('device-continue'));
  await press(page, t('link-not-me'));
  await expect(page.getByRole('status').filter({ hasText: t('link-stopped') })).toBeVisible();
  expect(await account.status()).toBe('refused');
});

test('a malformed code is refused at its field', async ({ page }) => {
  await signedIn(page);
  await page.goto('/hosts/link');
  await codeField(page).fill('WDJB-MJ');
  await press(page, t('device-continue'));
  await expect(page.getByRole('alert')).toHaveText(t('code-refused-length', { count: 6 }));
  await expect(codeField(page)).toHaveAttribute('aria-invalid', 'true');
});

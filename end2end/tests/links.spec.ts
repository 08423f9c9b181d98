// A host account, linked from its host.
import { codeField, expect, heading, press, signedIn, signIn, test } from './fixtures.ts';
import { Host } from './host.ts';

test('a person types the code, sees which account it is, and links it', async ({ page, portal }) => {
  const host = await Host.start(page, portal);
  const account = await host.ask('jd');
  await page.context().clearCookies();
  await page.goto('/hosts/link');
  await signIn(page);
  await expect(heading(page)).toHaveText('Link a host account');
  await codeField(page).fill(account.code.toLowerCase());
  await press(page, 'Continue');
  await expect(heading(page)).toHaveText(`Link jd on ${host.name} to you?`);
  await expect(page.getByText(account.code, { exact: true })).toBeVisible();
  expect(await account.status()).toBe('pending');
  await press(page, 'Link');
  await expect(page.getByRole('status').filter({ hasText: `jd on ${host.name} is linked to you until` })).toBeVisible();
  expect(await account.status()).toBe('linked');

  // Renewed in the same way.
  const again = await host.ask('jd');
  await page.goto('/hosts/link');
  await codeField(page).fill(again.code);
  await press(page, 'Continue');
  await expect(page.getByText('This account is linked to you already, until')).toBeVisible();
  await press(page, 'Renew');
  await expect(page.getByRole('status').filter({ hasText: 'was linked to you already' })).toBeVisible();
});

test('"Not me" links nothing, and the host hears of it', async ({ page, portal }) => {
  const host = await Host.start(page, portal);
  const account = await host.ask('jd');
  await page.goto('/hosts/link');
  await codeField(page).fill(account.code);
  await press(page, 'Continue');
  await press(page, 'Not me');
  await expect(page.getByRole('status').filter({ hasText: 'Nothing was linked.' })).toBeVisible();
  expect(await account.status()).toBe('refused');
});

test('a code that cannot be one is refused where it was typed', async ({ page }) => {
  await signedIn(page);
  await page.goto('/hosts/link');
  await codeField(page).fill('WDJB-MJ');
  await press(page, 'Continue');
  await expect(page.getByRole('alert')).toHaveText('That code has 6 letters; it should have 8.');
  await expect(codeField(page)).toHaveAttribute('aria-invalid', 'true');
});

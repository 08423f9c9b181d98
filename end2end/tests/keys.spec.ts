// The lists of the portal: searched, filtered, paged and changed in place, or by plain links and forms.
import { asked, allow, awake, expect, heading, press, signedIn, test } from './fixtures.ts';
import { makeKeys } from './machines.ts';

test.use({ alone: {} });

const rows = (page: import('@playwright/test').Page) => page.locator('.row-card');

test('@look a key is found, asked about, and revoked', async ({ page, portal, scripts }) => {
  await makeKeys(portal, 3);
  await signedIn(page);
  await page.goto('/keys');
  await expect(rows(page)).toHaveCount(3);
  await page.getByRole('link', { name: /^Revoke testhostaccount1@testhost1/ }).first().click();
  await expect(page.getByRole('heading', { name: 'Revoke this key?' })).toBeVisible();
  if (scripts) {
    await expect(page.getByRole('dialog')).toBeVisible();
    await expect(page.getByRole('dialog').getByRole('link', { name: 'Cancel' })).toBeFocused();
    expect(new URL(page.url()).pathname, 'asked without leaving the page').toBe('/keys');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toBeHidden();
    await page.getByRole('link', { name: /^Revoke testhostaccount1@testhost1/ }).first().click();
  }
  await press(page, 'Revoke');
  await expect(page.getByRole('status')).toHaveText('One key has been revoked: the next login with it is refused.');
  await expect(rows(page)).toHaveCount(2);
});

test('@firefox several are ticked and revoked together', async ({ page, portal }) => {
  await makeKeys(portal, 3);
  await signedIn(page);
  await page.goto('/keys');
  for (const tick of (await page.getByRole('checkbox').all()).slice(0, 2)) await tick.check();
  await press(page, 'Revoke the ticked keys');
  await expect(heading(page)).toHaveText('Revoke these 2 keys?');
  await press(page, 'Revoke');
  await expect(rows(page)).toHaveCount(1);
});

test('a list is searched and paged by its address, and Back shows what was there', async ({ page, portal, scripts }) => {
  await makeKeys(portal, 30);
  await signedIn(page);
  await page.goto('/keys');
  if (scripts) await awake(page);
  await expect(rows(page)).toHaveCount(25);
  if (scripts) await page.evaluate(() => ((window as any).stillThisPage = true));
  await page.getByRole('link', { name: 'More' }).click();
  await expect(rows(page)).toHaveCount(5);
  await expect(page).toHaveURL(/after=/);
  await page.getByLabel('Search').fill('nothing like that');
  if (!scripts) await press(page, 'Apply');
  await expect(page.getByText('Nothing was found.').first()).toBeVisible();
  await expect(page).toHaveURL(/\/keys\?q=nothing/);
  await page.goBack();
  await expect(rows(page)).toHaveCount(5);
  await page.goBack();
  await expect(rows(page)).toHaveCount(25);
  await expect(page.getByLabel('Search')).toHaveValue('');
  if (scripts) expect(await page.evaluate(() => (window as any).stillThisPage), 'all in one page').toBe(true);
  await page.goto('/keys?show=ended');
  await expect(page.getByLabel('Show')).toHaveValue('ended');
});

test('@js a fingerprint is copied', async ({ page, context, portal }) => {
  await makeKeys(portal, 1);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signedIn(page);
  await page.goto('/keys');
  await awake(page);
  await page.getByRole('button', { name: 'Copy' }).click();
  await expect(page.locator('.toast')).toHaveText('Copied');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^SHA256:/);
});

test('@js what is ticked stays ticked on other pages', async ({ page, portal }) => {
  await makeKeys(portal, 30);
  await signedIn(page);
  await page.goto('/keys');
  await awake(page);
  await page.getByRole('checkbox').first().check();
  await page.getByRole('link', { name: 'More' }).click();
  await expect(page.getByText('26–30 of 30').first()).toBeVisible();
  await expect(page.getByText('Keys that were ticked on other pages are included.')).toBeVisible();
  await page.getByRole('checkbox').first().check();
  await page.getByLabel('Search').fill('nothing like that');
  await expect(page.getByText('Nothing was found.').first()).toBeVisible();
  await page.getByLabel('Search').fill('');
  await expect(page.getByText('1–25 of 30').first()).toBeVisible();
  await expect(page.getByRole('checkbox').first()).toBeChecked();
  await press(page, 'Revoke the ticked keys');
  await expect(heading(page)).toHaveText('Revoke these 2 keys?');
});

test('@js a key of one’s own is read from its file', async ({ page }) => {
  await signedIn(page);
  await page.goto('/keys/add');
  await awake(page);
  const line = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIErqSGC5Fd9/VWqg20dtfAYEmp4uPDSwenE5VfeMKJvA jdoe@laptop';
  await page.getByLabel('Or choose the file').setInputFiles({ name: 'id.pub', mimeType: 'text/plain', buffer: Buffer.from(`${line}\n`) });
  await expect(page.getByLabel('Public key')).toHaveValue(`${line}\n`);
  await press(page, 'Add this key');
  await expect(page.getByRole('status')).toContainText('now logs in to testhost1');
  await expect(page.getByRole('heading', { name: /^jdoe@laptop/ })).toBeVisible();
});

test('@firefox what may act for a person is ended', async ({ page, portal }) => {
  const device = await asked(page, portal);
  await allow(page);
  await device.poll();
  await page.goto('/apps');
  await page.getByRole('link', { name: 'Revoke testapp1 1.0' }).first().click();
  await press(page, 'Revoke');
  await expect(page.getByRole('status')).toHaveText(/^It has been ended/);
  await page.goto('/activity');
  await expect(page.getByRole('heading', { name: 'An allowed access was taken back' })).toBeVisible();
});

test('the panic button', async ({ page, portal }) => {
  await makeKeys(portal, 2);
  await signedIn(page);
  await page.goto('/keys');
  await page.getByRole('link', { name: 'Revoke everything' }).click();
  await expect(heading(page)).toHaveText('Revoke everything that may act for you?');
  await press(page, 'Revoke everything');
  await expect(page.getByRole('status')).toContainText('SSH keys: 2.');
});

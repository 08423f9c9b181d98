// A tenant's administrator at work.
import { awake, expect, heading, press, signedIn, test } from './fixtures.ts';

test.use({ alone: {} });

test('a client is made, and its secret shown once', async ({ page }) => {
  await signedIn(page);
  await page.goto('/');
  await page.getByRole('link', { name: 'Administration' }).click();
  await page.getByRole('navigation', { name: 'Areas of the administration' }).getByRole('link', { name: 'Clients' }).click();
  await page.getByRole('link', { name: 'Add a client' }).click();
  await page.getByLabel('Id').fill('jupyter');
  await page.getByLabel('Application').fill('Jupyter');
  await page.getByLabel('Version').fill('4');
  await press(page, 'Make it and show its secret');
  await expect(heading(page)).toHaveText('Jupyter 4');
  await expect(page.locator('.once code')).toHaveText(/^[0-9a-f]{48,}$/);
  await page.reload();
  await expect(page.locator('.once')).toHaveCount(0);
  await page.getByRole('link', { name: 'Delete this client' }).click();
  await press(page, 'Delete this client');
  await expect(page.getByRole('status')).toHaveText('jupyter has been deleted.');
});

test('@js what a page does can be copied as curl, without secrets', async ({ page, context, portal }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signedIn(page);
  await page.goto('/admin/hosts');
  await awake(page);
  await page.getByText('The same by the API').click();
  await page.getByRole('button', { name: 'Copy' }).click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  expect(command).toContain(`curl -sS "${portal.url}/v1/tms/hosts/list"`);
  expect(command).toContain('X-TMS-ADMIN-SECRET: $ADMIN_SECRET');
});

test('a person gets a second factor, a host account, and the role', async ({ page }) => {
  await signedIn(page);
  await page.goto('/admin/people/add');
  await page.getByLabel('User name').fill('jdoe');
  await press(page, 'Add a person');
  await expect(page.locator('.once code')).toBeVisible();
  await press(page, 'Let it count from now on');
  await expect(page.getByText(/counts until/)).toBeVisible();
  await page.getByRole('textbox', { name: 'Host' }).fill('testhost1');
  await page.getByRole('textbox', { name: 'Account' }).fill('jdoe');
  await press(page, 'Link');
  await expect(page.getByRole('heading', { name: 'jdoe@testhost1' })).toBeVisible();
  await page.getByRole('link', { name: 'Make an administrator' }).click();
  await press(page, 'Make an administrator');
  await expect(page.getByText('administrator', { exact: true })).toBeVisible();
});

test('the tenant’s colours are checked, and worn', async ({ page }) => {
  await signedIn(page);
  await page.goto('/admin/policy');
  await page.getByLabel('Colour on light ground').fill('#ffff00');
  await page.getByLabel('Colour on dark ground').fill('#ffb37a');
  await press(page, 'Save');
  await expect(page.getByRole('alert')).toContainText('too faint to read');
  await page.getByLabel('Colour on light ground').fill('#a34a00');
  await page.getByLabel('Colour on dark ground').fill('#ffb37a');
  await press(page, 'Save');
  await expect(page.getByRole('status')).toHaveText('Saved.');
  await expect(page.getByRole('button', { name: 'Save' })).toHaveCSS('background-color', 'rgb(163, 74, 0)');
});

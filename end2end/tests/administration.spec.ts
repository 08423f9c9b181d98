// The pages of a tenant's administrators.
import { hydrated, expect, heading, press, signedIn, test } from './fixtures.ts';
import { t, textLike } from './i18n.ts';

test.use({ alone: {} });

test('a client is created and its secret shown once', async ({ page }) => {
  await signedIn(page);
  await page.goto('/');
  await page.getByRole('link', { name: t('nav-admin') }).click();
  await page.getByRole('navigation', { name: t('admin-areas') }).getByRole('link', { name: t('admin-clients') }).click();
  await page.getByRole('link', { name: t('admin-clients-add') }).click();
  await page.getByLabel(t('admin-id'), { exact: true }).fill('jupyter');
  await page.getByLabel(t('admin-clients-app-name'), { exact: true }).fill('Jupyter');
  await page.getByLabel(t('admin-clients-app-version'), { exact: true }).fill('4');
  await press(page, t('admin-clients-add-button'));
  await expect(heading(page)).toHaveText('Jupyter');
  await expect(page.locator('.once code')).toHaveText(/^[0-9a-f]{48,}$/);
  await page.reload();
  await expect(page.locator('.once')).toHaveCount(0);
  await page.getByRole('link', { name: t('admin-clients-delete') }).click();
  await press(page, t('admin-clients-delete'));
  await expect(page.getByRole('status')).toHaveText(t('admin-deleted', { name: 'jupyter' }));
});

test('@js curl commands of a page are copied without secrets', async ({ page, context, portal }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signedIn(page);
  await page.goto('/admin/hosts');
  await hydrated(page);
  await page.locator('summary', { hasText: t('admin-as-curl') }).click();
  await page.getByRole('button', { name: t('copy') }).click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  expect(command).toContain(`curl -sS "${portal.url}/v1/tms/hosts/list"`);
  expect(command).toContain('X-TMS-ADMIN-SECRET: $ADMIN_SECRET');
});

test('a person gets an MFA record, a host account, and the role', async ({ page }) => {
  await signedIn(page);
  await page.goto('/admin/people/add');
  await page.getByLabel(t('admin-user-name'), { exact: true }).fill('jdoe');
  await press(page, t('admin-people-add'));
  await expect(page.locator('.once code')).toBeVisible();
  await press(page, t('admin-people-mfa-open'));
  await expect(page.getByRole('region', { name: t('admin-people-mfa') })).toContainText(t('admin-people-mfa-until'));
  await page.getByRole('textbox', { name: t('admin-hosts-name'), exact: true }).fill('testhost1');
  await page.getByRole('textbox', { name: t('hosts-account'), exact: true }).fill('jdoe');
  await press(page, t('admin-people-link'));
  await expect(page.getByRole('heading', { name: 'jdoe@testhost1' })).toBeVisible();
  await page.getByRole('link', { name: t('admin-people-promote') }).click();
  await press(page, t('admin-people-promote'));
  await expect(page.getByText(t('admin-people-admin'), { exact: true })).toBeVisible();
});

test('the tenant’s colours are checked and applied', async ({ page }) => {
  await signedIn(page);
  await page.goto('/admin/policy');
  await page.getByLabel(t('admin-policy-brand-light')).fill('#ffff00');
  await page.getByLabel(t('admin-policy-brand-dark')).fill('#ffb37a');
  await press(page, t('admin-save'));
  await expect(page.getByRole('alert')).toHaveText(textLike('brand-refused-faint-on-light', { contrast: /\d\.\d+/ }));
  await page.getByLabel(t('admin-policy-brand-light')).fill('#a34a00');
  await page.getByLabel(t('admin-policy-brand-dark')).fill('#ffb37a');
  await press(page, t('admin-save'));
  await expect(page.getByRole('status')).toHaveText(t('admin-saved'));
  await expect(page.getByRole('button', { name: t('admin-save') })).toHaveCSS('background-color', 'rgb(163, 74, 0)');
});

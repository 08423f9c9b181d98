// A tenant's administrator configures identity providers.
import { expect, heading, press, signedIn, signOut, test } from './fixtures.ts';
import { t } from './i18n.ts';
import { addProvider, forgive, Institution, withoutFonts } from './institution.ts';

let institution: Institution;

test.use({
  alone: {
    prepare: async (_, url) => {
      institution = await Institution.start(url);
    },
  },
});

test.beforeEach(({ context }) => withoutFonts(context));
test.afterEach(async ({ watch }) => {
  forgive(watch);
  await institution.stop();
});

test('@phone a provider is added, tested, changed, and removed', async ({ page, portal }) => {
  await signedIn(page);
  await page.goto('/admin/providers');
  await page.getByRole('link', { name: t('admin-providers-add') }).click();
  await addProvider(page, institution);
  await expect(heading(page)).toHaveText('Campus');
  await expect(page.getByText(`${portal.url}/sign-in/back/test/campus`, { exact: true })).toBeVisible();
  await press(page, t('admin-providers-test'));
  await expect(page.getByRole('status')).toHaveText(t('admin-providers-answers', { issuer: institution.url }));
  await page.getByRole('radio', { name: t('admin-providers-provisioning-open') }).check();
  await press(page, t('admin-save'));
  await expect(page.getByRole('status')).toHaveText(t('admin-saved'));
  await expect(page.getByRole('radio', { name: t('admin-providers-provisioning-open') })).toBeChecked();

  await signOut(page);
  await page.goto('/sign-in?tenant=test&then=/hosts');
  await page.getByRole('link', { name: t('sign-in-with', { provider: 'Campus' }) }).click();
  await institution.signIn(page, 'jdoe');
  await expect(page).toHaveURL('/hosts');

  await page.context().clearCookies();
  await signedIn(page);
  await page.goto('/admin/people/person?user=jdoe~campus');
  await page.getByRole('link', { name: t('identities-unlink-this', { identity: 'jdoe · Campus' }) }).click();
  await expect(page.getByText(t('admin-people-unlink-identity-last'))).toBeVisible();
  await page.getByRole('link', { name: t('cancel') }).click();
  await page.goto('/admin/providers/provider?provider=campus');
  await page.getByRole('link', { name: t('admin-providers-remove') }).click();
  await expect(page.getByText(t('admin-providers-remove-consequence', { people: 1, only: 1 }))).toBeVisible();
  await press(page, t('admin-providers-remove'));
  await expect(page.getByRole('status')).toHaveText(t('admin-deleted', { name: 'campus' }));
});

test('a refused provider form keeps all values but the secret', async ({ page }) => {
  await signedIn(page);
  await page.goto('/admin/providers/add');
  await addProvider(page, { url: 'http://127.0.0.1:1' } as Institution);
  await expect(page.getByRole('alert')).toHaveText(t('provider-error-unreachable', { why: t('connect-error-refused') }));
  await expect(page.getByLabel(t('admin-providers-base'))).toHaveValue('http://127.0.0.1:1');
  await expect(page.getByLabel(t('admin-providers-secret'))).toHaveValue('');
});

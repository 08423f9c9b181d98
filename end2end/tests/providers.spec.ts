// A tenant's administrator sets up where its people sign in.
import { expect, heading, press, signedIn, test } from './fixtures.ts';
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

test('@phone a provider is added, tested, opened, and removed', async ({ page, portal }) => {
  await signedIn(page);
  await page.goto('/admin');
  await page.getByRole('navigation', { name: 'Areas of the administration' }).getByRole('link', { name: 'Identity providers' }).click();
  await page.getByRole('link', { name: 'Add a provider' }).click();
  await addProvider(page, institution);
  await expect(heading(page)).toHaveText('Campus');
  await expect(page.getByText(`${portal.url}/sign-in/back/test/campus`, { exact: true })).toBeVisible();
  await press(page, 'Test it');
  await expect(page.getByRole('status')).toHaveText(`It answers, as ${institution.url}.`);
  await page.getByRole('radio', { name: 'Whoever the provider lets in' }).check();
  await press(page, 'Save');
  await expect(page.getByRole('status')).toHaveText('Saved.');
  await expect(page.getByRole('radio', { name: 'Whoever the provider lets in' })).toBeChecked();

  await press(page, 'Sign out');
  await page.goto('/sign-in?tenant=test&then=/hosts');
  await page.getByRole('link', { name: 'Sign in with Campus' }).click();
  await institution.signIn(page, 'jdoe');
  await expect(page).toHaveURL('/hosts');

  await page.context().clearCookies();
  await signedIn(page);
  await page.goto('/admin/people/person?user=jdoe~campus');
  await page.getByRole('link', { name: 'Unlink jdoe · Campus' }).click();
  await expect(page.getByText('It is this person’s only way in')).toBeVisible();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await page.goto('/admin/providers/provider?provider=campus');
  await page.getByRole('link', { name: 'Remove this provider' }).click();
  await expect(page.getByText('One person has no other way in.')).toBeVisible();
  await press(page, 'Remove this provider');
  await expect(page.getByRole('status')).toHaveText('campus has been deleted.');
});

test('what was typed comes back when a provider does not answer, but for its secret', async ({ page }) => {
  await signedIn(page);
  await page.goto('/admin/providers/add');
  await addProvider(page, { url: 'http://127.0.0.1:1' } as Institution);
  await expect(page.getByRole('alert')).toHaveText('It cannot be reached: it refuses the connection.');
  await expect(page.getByLabel('Where it is')).toHaveValue('http://127.0.0.1:1');
  await expect(page.getByLabel('Its client’s secret')).toHaveValue('');
});

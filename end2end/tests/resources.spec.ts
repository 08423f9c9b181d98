// Host accounts linked by signing in at the provider that manages the hosts: a real OpenID provider.
import AxeBuilder from '@axe-core/playwright';
import { expect, heading, press, signedIn, test } from './fixtures.ts';
import { t } from './i18n.ts';
import { forgive, Institution, withoutFonts } from './institution.ts';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let institution: Institution;

test.use({
  alone: {
    prepare: async (operator, url) => {
      institution = await Institution.added(operator, url, '--host', 'testhost1');
    },
  },
});

test.beforeEach(({ context }) => withoutFonts(context));
test.afterEach(async ({ watch }) => {
  forgive(watch);
  await institution.stop();
});

test('@phone sign-in at a host’s provider links an account there', async ({ page, scripts }) => {
  await signedIn(page);
  await page.goto('/hosts');
  await page.getByRole('link', { name: t('hosts-link-through', { provider: 'Campus' }) }).click();
  await institution.signIn(page, 'jdoe');
  await expect(heading(page)).toHaveText(t('proposal-title', { provider: 'Campus' }));
  await expect(page.getByRole('checkbox', { name: `testhost1 ${t('consent-as')} jdoe` })).toBeChecked();
  if (scripts) expect((await new AxeBuilder({ page }).withTags(TAGS).analyze()).violations).toEqual([]);
  await press(page, t('link-link'));
  await expect(page).toHaveURL('/hosts');
  await expect(page.getByText(t('hosts-linked-through', { provider: 'Campus' }))).toBeVisible();
});

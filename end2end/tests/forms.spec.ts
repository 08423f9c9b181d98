// Forms in several tabs, and in another language.
import { openConsent, hydrated, expect, heading, press, signedIn, test } from './fixtures.ts';
import { es, t, textLike } from './i18n.ts';
import { PERSON } from './portal.ts';

let password = '';

test.use({
  alone: {
    prepare: async operator => {
      await operator('tenant', 'set', '--tenant', 'default', '--local-passwords', 'true');
      const words = await operator('person', 'add', '--tenant', 'default', 'dora');
      password = /password of \S+ is (\S+)/.exec(words)?.[1] ?? '';
    },
  },
});

test('a form of another tab’s account is refused', async ({ page, context }) => {
  await signedIn(page);
  await page.goto('/keys/revoke-everything');
  const other = await context.newPage();
  await signedIn(other, { ...PERSON, tenant: 'default', userName: 'dora', password });
  await press(page, t('keys-everything'));
  await expect(heading(page)).toHaveText(t('error-other-account'));
  await expect(page.getByText(textLike('error-other-account-means', { who: textLike('person-at', { user: 'dora', tenant: /.+/ }) }))).toBeVisible();
});

test('a language change keeps the selection', async ({ page, portal }) => {
  await openConsent(page, portal);
  const host = page.getByRole('checkbox', { name: /testhost1/ });
  await host.uncheck();
  await page.getByRole('radio').last().check();
  await press(page, es('language-name'));
  await expect(page.locator('html')).toHaveAttribute('lang', 'es');
  await expect(page.getByRole('checkbox', { name: /testhost1/ })).not.toBeChecked();
  await expect(page.getByRole('radio').last()).toBeChecked();
  await press(page, es('theme-dark'));
  await expect(page.getByRole('checkbox', { name: /testhost1/ })).not.toBeChecked();
});

test('a language change keeps an entered code', async ({ page, scripts }) => {
  await page.goto('/device');
  if (scripts) await hydrated(page);
  await page.locator('#user-code').fill('WDJB');
  await press(page, es('language-name'));
  await expect(page.locator('html')).toHaveAttribute('lang', 'es');
  if (scripts) await hydrated(page);
  await expect(page.locator('#user-code')).toHaveValue('WDJB');
});

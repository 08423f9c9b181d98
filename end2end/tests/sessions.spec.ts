// The list of sessions, and ending them.
import { expect, heading, press, signedIn, test } from './fixtures.ts';
import { t, textLike } from './i18n.ts';

test.use({ alone: {} });

test('@firefox the session of another browser is listed and ended', async ({ page, anotherBrowser }) => {
  const other = await anotherBrowser();
  await signedIn(other);
  await other.goto('/');
  await signedIn(page);
  await page.goto('/sessions');
  await expect(page.getByRole('listitem').filter({ hasText: t('sessions-last-seen') })).toHaveCount(2);
  await expect(page.getByText(t('sessions-this-one'), { exact: true })).toHaveCount(1);
  await page.getByRole('listitem').getByRole('link', { name: textLike('sessions-end-this', { browser: /.+/ }) }).click();
  await expect(page.getByRole('heading', { name: textLike('sessions-end-question', { browser: /.+/ }) })).toBeVisible();
  await page.locator('[data-question]').getByRole('button', { name: t('sessions-end'), exact: true }).click();
  await expect(page.getByRole('status')).toHaveText(t('sessions-ended'));
  await expect(page.getByRole('listitem').filter({ hasText: t('sessions-last-seen') })).toHaveCount(1);
  await other.goto('/hosts');
  await expect(heading(other)).toHaveText(t('sign-in'));
  await page.reload();
  await expect(page.getByRole('status')).toHaveCount(0);
});

test('all other sessions are ended together', async ({ page, anotherBrowser }) => {
  for (let i = 0; i < 2; i++) await signedIn(await anotherBrowser());
  await signedIn(page);
  await page.goto('/sessions');
  await page.getByRole('link', { name: t('sessions-end-others') }).click();
  await press(page, t('sessions-end-others'));
  await expect(page.getByRole('status')).toHaveText(t('sessions-others-ended', { count: 2 }));
  await expect(page.getByRole('link', { name: t('sessions-end-others') })).toHaveCount(0);
});

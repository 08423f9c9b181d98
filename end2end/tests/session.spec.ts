// The end of the session, other tabs, and what a reload keeps.
import { expect, hydrated, press, signedIn, test } from './fixtures.ts';
import { t, textLike } from './i18n.ts';

const soon = (key: string) => textLike(key, { minutes: /.+/ });

test('the end of an idle session is announced and can be postponed', async ({ page }) => {
  await signedIn(page);
  await page.clock.install();
  await page.goto('/hosts');
  await hydrated(page);
  const stay = page.getByRole('button', { name: t('session-stay') });
  await expect(stay).toBeHidden();
  await page.clock.fastForward('01:56:00');
  await expect(page.getByText(soon('session-idle'))).toBeVisible();
  await stay.click();
  await expect(stay).toBeHidden();
  await page.clock.fastForward('01:50:00');
  await expect(stay).toBeHidden();
  await page.clock.fastForward('00:11:00');
  await expect(page.getByText(t('session-ended'))).toBeVisible();
});

test('the end of the longest session leads to a new sign-in', async ({ page }) => {
  await signedIn(page);
  await page.clock.install();
  await page.goto('/hosts');
  await hydrated(page);
  for (let hours = 0; hours < 11; hours++) {
    await page.clock.fastForward('01:00:00');
    await page.evaluate(() => window.dispatchEvent(new Event('tms-changed')));
  }
  await page.clock.fastForward('00:56:00');
  await expect(page.getByText(soon('session-ending'))).toBeVisible();
  const signIn = page.locator('.session-status').getByRole('link', { name: t('sign-in') });
  await expect(signIn).toHaveAttribute('href', '/sign-in?again=1&then=/hosts');
});

test('other tabs learn about signing out', async ({ page, context }) => {
  await signedIn(page);
  await page.goto('/hosts');
  await hydrated(page);
  const other = await context.newPage();
  await other.goto('/keys');
  await hydrated(other);
  await expect(page.getByText(t('session-other-account'))).toBeHidden();
  await other.request.post('/sign-out', { form: { form_account: 'test/testuser1', form_page: '/hosts' } });
  await other.goto('/');
  await expect(page.getByText(t('session-other-account'))).toBeVisible();
});

test('a reload keeps the values of a form, another visit does not', async ({ page }) => {
  await signedIn(page);
  await page.goto('/keys/add');
  await hydrated(page);
  const label = page.locator('[name=label]');
  await label.fill('laptop');
  await page.locator('[name=public_key]').fill('ssh-ed25519 AAAA');
  await page.reload();
  await expect(label).toHaveValue('laptop');
  await expect(page.locator('[name=public_key]')).toHaveValue('');
  await page.goto('/keys/add');
  await hydrated(page);
  await expect(label).toHaveValue('');
});

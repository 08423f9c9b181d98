// Where the person is signed in, and ending it.
import { expect, heading, press, signedIn, test } from './fixtures.ts';

test.use({ alone: {} });

test('@firefox the other browser is listed, and ended', async ({ page, anotherBrowser }) => {
  const other = await anotherBrowser();
  await signedIn(other);
  await other.goto('/');
  await signedIn(page);
  await page.goto('/sessions');
  await expect(page.getByRole('listitem').filter({ hasText: 'Last seen' })).toHaveCount(2);
  await expect(page.getByText('this one', { exact: true })).toHaveCount(1);
  await page.getByRole('link', { name: /^End the session in/ }).click();
  await expect(page.getByRole('heading', { name: /^End the session in .*\?$/ })).toBeVisible();
  await press(page, 'End');
  await expect(page.getByRole('status')).toHaveText('The session has been ended.');
  await expect(page.getByRole('listitem').filter({ hasText: 'Last seen' })).toHaveCount(1);
  await other.goto('/hosts');
  await expect(heading(other)).toHaveText('Sign in');
  await page.reload();
  await expect(page.getByRole('status')).toHaveCount(0);
});

test('all others at once', async ({ page, anotherBrowser }) => {
  for (let i = 0; i < 2; i++) await signedIn(await anotherBrowser());
  await signedIn(page);
  await page.goto('/sessions');
  await page.getByRole('link', { name: 'End all other sessions' }).click();
  await press(page, 'End all other sessions');
  await expect(page.getByRole('status')).toHaveText('2 other sessions have been ended.');
  await expect(page.getByRole('link', { name: 'End all other sessions' })).toHaveCount(0);
});

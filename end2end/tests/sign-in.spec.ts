// Signing in and out.
import { expect, heading, passwordField, personMenu, press, signedIn, signIn, signOut, test, userNameField } from './fixtures.ts';
import { t, titledRefused } from './i18n.ts';
import { PERSON } from './portal.ts';

test('@phone a person signs in and out', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('link', { name: t('sign-in') }).click();
  await expect(userNameField(page)).toBeFocused();
  await signIn(page);
  await expect(heading(page)).toHaveText(t('home-hello', { name: PERSON.displayName }));
  await signOut(page);
  await expect(personMenu(page)).toHaveCount(0);
  await page.goBack();
  await expect(page.getByText(t('home-hello', { name: PERSON.displayName })), 'Back shows nothing of what was').toHaveCount(0);
});

test('a wrong password gives one error and keeps the user name', async ({ page }) => {
  await page.goto('/sign-in');
  await signIn(page, 'wrong');
  await expect(page).toHaveTitle(titledRefused(t('sign-in')));
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(userNameField(page)).toHaveValue(PERSON.userName);
  await expect(passwordField(page)).toHaveValue('');
  const sentence = (await page.getByRole('alert').textContent()) ?? '';
  await expect(passwordField(page)).toHaveAccessibleDescription(sentence);
  // The same message for a person who does not exist.
  await userNameField(page).fill('nobody');
  await passwordField(page).fill('wrong');
  await press(page, t('sign-in'));
  await expect(page.getByRole('alert')).toHaveText(sentence);
});

for (const [path, title] of [['/hosts', t('hosts-title')], ['/sessions', t('sessions-title')]]) {
  test(`${path} requires sign-in and is shown after it`, async ({ page }) => {
    await page.goto(path);
    await signIn(page);
    await expect(page).toHaveURL(path);
    await expect(heading(page)).toHaveText(title);
  });
}

test('the cookie is HttpOnly and renewed at sign-in', async ({ page, context }) => {
  await page.goto('/device');
  await signedIn(page);
  const [cookie, ...others] = await context.cookies();
  expect(others).toEqual([]);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/', expires: -1 });
});

test('password fields accept password managers and paste', async ({ page }) => {
  await page.goto('/sign-in');
  await expect(userNameField(page)).toHaveAttribute('autocomplete', 'username');
  await expect(passwordField(page)).toHaveAttribute('autocomplete', 'current-password');
});

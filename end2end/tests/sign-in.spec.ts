// Signing in and out.
import { PERSON } from './portal.ts';
import { expect, heading, press, signedIn, signIn, test } from './fixtures.ts';

test('@phone in, and out again', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await expect(page.getByRole('textbox', { name: 'User name' })).toBeFocused();
  await signIn(page);
  await expect(heading(page)).toHaveText('Hello, Test User');
  await press(page, 'Sign out');
  await expect(page.getByRole('button', { name: 'Sign out' })).toHaveCount(0);
  await page.goBack();
  await expect(page.getByText('Hello, Test User'), 'Back shows nothing of what was').toHaveCount(0);
});

test('a wrong password: one sentence, the name is kept, the password is not', async ({ page }) => {
  await page.goto('/sign-in');
  await signIn(page, 'wrong');
  await expect(page).toHaveTitle('Error: Sign in · Trust Manager');
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'User name' })).toHaveValue(PERSON.userName);
  await expect(page.getByLabel('Password')).toHaveValue('');
  const sentence = (await page.getByRole('alert').textContent()) ?? '';
  await expect(page.getByLabel('Password')).toHaveAccessibleDescription(sentence);
  // The same words for a person who does not exist.
  await page.getByRole('textbox', { name: 'User name' }).fill('nobody');
  await page.getByLabel('Password').fill('wrong');
  await press(page, 'Sign in');
  await expect(page.getByRole('alert')).toHaveText(sentence);
});

for (const [wanted, title] of [['/hosts', 'Hosts'], ['/sessions', 'Sessions']]) {
  test(`${wanted} asks to sign in first, and comes after it`, async ({ page }) => {
    await page.goto(wanted);
    await signIn(page);
    await expect(page).toHaveURL(wanted);
    await expect(heading(page)).toHaveText(title);
  });
}

test('the cookie is out of reach of scripts, and new after sign-in', async ({ page, context }) => {
  await page.goto('/device');
  await signedIn(page);
  const [cookie, ...others] = await context.cookies();
  expect(others).toEqual([]);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/', expires: -1 });
});

test('password fields let password managers and paste in', async ({ page }) => {
  await page.goto('/sign-in');
  await expect(page.getByRole('textbox', { name: 'User name' })).toHaveAttribute('autocomplete', 'username');
  await expect(page.getByLabel('Password')).toHaveAttribute('autocomplete', 'current-password');
});

// Signing in through an institution: a real OpenID provider.
import AxeBuilder from '@axe-core/playwright';
import { Device } from './device.ts';
import { enterCode, expect, heading, press, signedIn, test } from './fixtures.ts';
import { forgive, Institution, withoutFonts } from './institution.ts';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let institution: Institution;

test.use({
  alone: {
    prepare: async (operator, url) => {
      institution = await Institution.added(operator, url, '--newcomers', 'open', '--mfa-always');
    },
  },
});

test.beforeEach(({ context }) => withoutFonts(context));
test.afterEach(async ({ watch }) => {
  forgive(watch);
  await institution.stop();
});

test('@phone from the code on the terminal to the institution, and back to the consent', async ({ page, portal }) => {
  const device = await Device.start(portal);
  await enterCode(page, device.code);
  await expect(page.getByText('Your code is kept.')).toBeVisible();
  await page.getByRole('link', { name: 'Sign in with Campus' }).click();
  await institution.signIn(page, 'jdoe');
  await expect(page.locator('#main').getByText('Dr. jdoe')).toBeVisible();
  await page.getByRole('checkbox', { name: 'Yes, I started this' }).check();
  await press(page, 'Allow');
  await expect(heading(page)).toHaveText('Connected');
  expect(await device.poll()).toBe('token');
});

test('whoever cancels there is back with the code, and may try again', async ({ page, portal }) => {
  const device = await Device.start(portal);
  await enterCode(page, device.code);
  await page.getByRole('link', { name: 'Sign in with Campus' }).click();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await expect(page).toHaveTitle('Error: Sign in · Trust Manager');
  await expect(page.getByRole('alert')).toContainText('You cancelled there');
  await expect(page.getByText('Your code is kept.')).toBeVisible();
  await page.getByRole('link', { name: 'Sign in with Campus' }).click();
  await institution.signIn(page, 'jdoe');
  await expect(page).toHaveURL(/\/device\?grant=dgr_[0-9a-f]{32}$/);
});

test('@js the page that says what went wrong there is accessible', async ({ page }) => {
  await page.goto('/sign-in?tenant=test');
  await page.getByRole('link', { name: 'Sign in with Campus' }).click();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await page.getByText('I have an invitation').click();
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  expect(violations).toEqual([]);
});

test('the same person comes back, is told where they were last, and their second factor counts', async ({ page }) => {
  await page.goto('/sign-in?tenant=test&then=/hosts');
  await page.getByRole('link', { name: 'Sign in with Campus' }).click();
  await institution.signIn(page, 'jdoe');
  await expect(page).toHaveURL('/hosts');
  await press(page, 'Sign out');
  await page.goto('/sign-in?tenant=test&then=/activity');
  await expect(page.getByRole('link', { name: 'Sign in with Campus last time' })).toBeVisible();
  // Their session there goes on.
  await page.getByRole('link', { name: 'Sign in with Campus' }).click();
  await expect(page).toHaveURL('/activity');
  await expect(page.getByText('The second factor counts from now on').first()).toBeVisible();
  await expect(page.getByText('A way to sign in was tied to this account')).toHaveCount(1);
});

test('@phone one more identity is linked, seen, and unlinked', async ({ page }) => {
  await signedIn(page);
  await page.goto('/sessions');
  await page.getByRole('link', { name: 'Ways to sign in' }).first().click();
  await page.getByRole('link', { name: 'Campus' }).click();
  await institution.signIn(page, 'jdoe');
  await expect(heading(page)).toHaveText('Link jdoe · Campus to Test User?');
  await press(page, 'Link');
  await expect(page.getByRole('status')).toHaveText('jdoe · Campus has been linked.');
  await page.getByRole('link', { name: 'Unlink jdoe · Campus' }).click();
  await press(page, 'Unlink');
  await expect(page.getByRole('status')).toHaveText('jdoe · Campus has been unlinked.');
});

test('whoever signs out here is told to do so there, and comes back', async ({ page }) => {
  await page.goto('/sign-in?tenant=test&then=/hosts');
  await page.getByRole('link', { name: 'Sign in with Campus' }).click();
  await institution.signIn(page, 'jdoe');
  await press(page, 'Sign out');
  await expect(heading(page)).toHaveText('You are signed out');
  await page.goto('/hosts');
  await expect(heading(page)).toHaveText('Sign in');
  await page.goto('/signed-out');
  await page.getByRole('link', { name: 'Sign out at Campus too' }).click();
  await page.getByRole('button', { name: 'Yes, sign me out' }).click();
  await expect(page.getByText('You are signed out here, and at Campus.')).toBeVisible();
  // Their session there has ended: it asks who they are.
  await page.goto('/sign-in?tenant=test');
  await page.getByRole('link', { name: 'Sign in with Campus' }).click();
  await expect(page.locator('input[name=login]')).toBeVisible();
});

test('whoever signs out there is signed out here', async ({ page, context }) => {
  await page.goto('/sign-in?tenant=test&then=/hosts');
  await page.getByRole('link', { name: 'Sign in with Campus' }).click();
  await institution.signIn(page, 'jdoe');
  await expect(page).toHaveURL('/hosts');
  const there = await context.newPage();
  await there.goto(institution.signOut);
  const told = institution.told();
  await there.getByRole('button', { name: 'Yes, sign me out' }).click();
  await told;
  await page.goto('/keys');
  await expect(heading(page)).toHaveText('Sign in');
});

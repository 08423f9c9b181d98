// Signing in through an institution: a real OpenID provider.
import AxeBuilder from '@axe-core/playwright';
import { Device } from './device.ts';
import { enterCode, expect, heading, press, signedIn, signOut, startedThis, test } from './fixtures.ts';
import { t, textLike, titledRefused } from './i18n.ts';
import { forgive, Institution, withoutFonts } from './institution.ts';
import { PERSON } from './portal.ts';

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

test('@phone sign-in at the institution returns to the consent', async ({ page, portal }) => {
  const device = await Device.start(portal);
  await enterCode(page, device.code);
  await expect(page.getByText(t('sign-in-code-kept'))).toBeVisible();
  await page.getByRole('link', { name: t('sign-in-with', { provider: 'Campus' }) }).click();
  await institution.signIn(page, 'jdoe');
  await expect(page.locator('#main').getByText('Dr. jdoe')).toBeVisible();
  await startedThis(page).check();
  await press(page, t('consent-allow'));
  await expect(heading(page)).toHaveText(t('result-connected'));
  expect(await device.poll()).toBe('token');
});

test('cancelling there returns with the code kept', async ({ page, portal }) => {
  const device = await Device.start(portal);
  await enterCode(page, device.code);
  await page.getByRole('link', { name: t('sign-in-with', { provider: 'Campus' }) }).click();
  await institution.cancel(page);
  await expect(page).toHaveTitle(titledRefused(t('sign-in')));
  await expect(page.getByRole('alert')).toHaveText(t('upstream-login-refused-cancelled'));
  await expect(page.getByText(t('sign-in-code-kept'))).toBeVisible();
  await page.getByRole('link', { name: t('sign-in-with', { provider: 'Campus' }) }).click();
  await institution.signIn(page, 'jdoe');
  await expect(page).toHaveURL(/\/device\?grant=dgr_[0-9a-f]{32}$/);
});

test('@js the sign-in page with an error is accessible', async ({ page }) => {
  await page.goto('/sign-in?tenant=test');
  await page.getByRole('link', { name: t('sign-in-with', { provider: 'Campus' }) }).click();
  await institution.cancel(page);
  await expect(page.getByRole('alert')).toBeVisible();
  await page.getByText(t('sign-in-invited')).click();
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  expect(violations).toEqual([]);
});

test('the last used institution is marked', async ({ page }) => {
  await page.goto('/sign-in?tenant=test&then=/hosts');
  await page.getByRole('link', { name: t('sign-in-with', { provider: 'Campus' }) }).click();
  await institution.signIn(page, 'jdoe');
  await expect(page).toHaveURL('/hosts');
  await signOut(page);
  await page.goto('/sign-in?tenant=test&then=/activity');
  await expect(page.getByRole('link', { name: `${t('sign-in-with', { provider: 'Campus' })} ${t('sign-in-last')}` })).toBeVisible();
  // The session at the provider continues.
  await page.getByRole('link', { name: t('sign-in-with', { provider: 'Campus' }) }).click();
  await expect(page).toHaveURL('/activity');
  await expect(page.getByText(t('event-mfa-opened')).first()).toBeVisible();
  await expect(page.getByText(textLike('event-identity-linked-name', { name: /.+/ }))).toHaveCount(1);
});

test('@phone another identity is linked and unlinked', async ({ page }) => {
  await signedIn(page);
  await page.goto('/sessions');
  await page.getByRole('link', { name: t('identities-title') }).first().click();
  await page.getByRole('link', { name: 'Campus' }).click();
  await institution.signIn(page, 'jdoe');
  await expect(heading(page)).toHaveText(t('identities-link-question', { identity: 'jdoe · Campus', person: PERSON.displayName }));
  await press(page, t('identities-link'));
  await expect(page.getByRole('main').getByRole('status')).toHaveText(t('identities-linked', { identity: 'jdoe · Campus' }));
  await page.getByRole('link', { name: t('identities-unlink-this', { identity: 'jdoe · Campus' }) }).click();
  await press(page, t('identities-unlink'));
  await expect(page.getByRole('main').getByRole('status')).toHaveText(t('identities-unlinked', { identity: 'jdoe · Campus' }));
});

test('sign-out offers the institution’s sign-out, which returns', async ({ page }) => {
  await page.goto('/sign-in?tenant=test&then=/hosts');
  await page.getByRole('link', { name: t('sign-in-with', { provider: 'Campus' }) }).click();
  await institution.signIn(page, 'jdoe');
  await signOut(page);
  await expect(heading(page)).toHaveText(t('signed-out-title'));
  await page.goto('/hosts');
  await expect(heading(page)).toHaveText(t('sign-in'));
  await page.goto('/signed-out');
  await page.getByRole('link', { name: t('signed-out-there-too', { institution: 'Campus' }) }).click();
  await page.getByRole('button', { name: 'Yes, sign me out' }).click();
  await expect(page.getByText(t('signed-out-both', { institution: 'Campus' }))).toBeVisible();
  // The session at the provider has ended: it asks for sign-in.
  await page.goto('/sign-in?tenant=test');
  await page.getByRole('link', { name: t('sign-in-with', { provider: 'Campus' }) }).click();
  await expect(page.locator('input[name=login]')).toBeVisible();
});

test('sign-out at the institution ends the session', async ({ page, context }) => {
  await page.goto('/sign-in?tenant=test&then=/hosts');
  await page.getByRole('link', { name: t('sign-in-with', { provider: 'Campus' }) }).click();
  await institution.signIn(page, 'jdoe');
  await expect(page).toHaveURL('/hosts');
  const there = await context.newPage();
  await there.goto(institution.signOut);
  const accepted = institution.acceptedLogout();
  await there.getByRole('button', { name: 'Yes, sign me out' }).click();
  await accepted;
  await page.goto('/keys');
  await expect(heading(page)).toHaveText(t('sign-in'));
});

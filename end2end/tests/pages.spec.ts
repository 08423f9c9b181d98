// The other pages, and those for when something does not work.
import { asked, awake, expect, heading, signedIn, test } from './fixtures.ts';

test('home, for strangers', async ({ page }) => {
  await page.goto('/');
  await expect(heading(page)).toHaveText('Let your programs in, and see who you let in');
  await page.getByRole('link', { name: 'Enter a code' }).click();
  await expect(heading(page)).toHaveText('Enter the code from your device');
});

test('home, for somebody for whom a request waits', async ({ page, portal }) => {
  await asked(page, portal);
  await page.goto('/');
  await expect(page.getByText('testapp1 1.0 not verified asks to use your account.')).toBeVisible();
  await page.getByRole('link', { name: 'Look at the request' }).click();
  await expect(heading(page)).toHaveText('Let testapp1 1.0 use your account?');
});

test('@js the command for the terminal can be copied', async ({ page, context, portal }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signedIn(page);
  await page.goto('/');
  await awake(page);
  await page.getByRole('button', { name: 'Copy' }).click();
  await expect(page.locator('.toast')).toHaveText('Copied');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`tms login --server ${portal.url} --tenant test`);
});

test('@nojs without scripts there is no button to copy, and the command is there', async ({ page, portal }) => {
  await signedIn(page);
  await page.goto('/');
  await expect(page.getByRole('button', { name: 'Copy' })).toBeHidden();
  await expect(page.getByText(`tms login --server ${portal.url} --tenant test`)).toBeVisible();
});

test('hosts', async ({ page }) => {
  await signedIn(page);
  await page.goto('/hosts');
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - heading "Hosts" [level=1]
    - heading "testhost1" [level=2]
    - list:
      - listitem:
        - heading "testhostaccount1 active" [level=3]
        - term: "Linked:"
        - definition:
          - time
          - text: /by an administrator/
        - term: "Expires:"
        - definition: never
        - term: "Last login through TMS:"
        - term: "Keys:"
        - link "Unlink testhostaccount1 on testhost1"
  `);
  await expect(page.getByRole('link', { name: 'Hosts', exact: true })).toHaveAttribute('aria-current', 'page');
});

test('the result, where nothing was decided', async ({ page }) => {
  await signedIn(page);
  await page.goto('/device/result');
  await expect(heading(page)).toHaveText('No request here');
});

test('@phone an address that does not exist', async ({ page }) => {
  const response = await page.goto('/no-such-page');
  expect(response?.status()).toBe(404);
  await expect(page).toHaveTitle('Error: There is no such page · Trust Manager');
  await page.getByRole('link', { name: 'Go to the start page' }).click();
  await expect(page).toHaveURL('/');
});

test('an action opened as an address', async ({ page }) => {
  await signedIn(page);
  const response = await page.goto('/api/device/decide');
  expect(response?.status()).toBe(405);
  await expect(heading(page)).toHaveText('That does not work this way');
});

test('a form from another site is refused', async ({ page, portal }) => {
  const answer = await page.request.post('/api/device/enter', {
    form: { user_code: 'BBBB-BBBB' },
    headers: { origin: 'http://elsewhere.example', 'sec-fetch-site': 'cross-site', accept: 'text/html' },
  });
  expect(answer.status()).toBe(403);
  expect(await answer.text()).toContain('That was refused');
  expect(portal.url).not.toContain('elsewhere');
});

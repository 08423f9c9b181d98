// Wrong codes and passwords are counted. Each test has a server of its own: the counters outlive sessions.
import { Device } from './device.ts';
import { codeField, enterCode, expect, heading, press, signedIn, signIn, test } from './fixtures.ts';

test.use({ alone: {} });

const NOT_VALID = 'That code is not valid or has expired. Run the command again to get a new one.';

test('a code nobody has, five times; then even the right one has to wait', async ({ page, portal }) => {
  await signedIn(page);
  for (let tries = 0; tries < 5; tries++) {
    await enterCode(page, 'BBBB-BBBB');
    await expect(page.getByRole('alert')).toHaveText(NOT_VALID);
    await expect(codeField(page)).toBeFocused();
  }
  const device = await Device.start(portal);
  await page.goto('/device');
  await codeField(page).fill(device.code);
  const answered = page.waitForResponse(response => response.url().endsWith('/device') && response.request().method() === 'GET');
  await press(page, 'Continue');
  await expect(page.getByRole('alert')).toHaveText('Too many tries. Wait 10 minutes, then ask your device for a new code.');
  expect((await answered).status()).toBe(429);
  expect(Number(await (await answered).headerValue('retry-after'))).toBeGreaterThan(500);
  expect(await device.poll()).toBe('authorization_pending');
});

test('before sign-in a wrong code is not told from a right one', async ({ page }) => {
  await enterCode(page, 'BBBB-BBBB');
  await signIn(page);
  await expect(page.getByRole('alert')).toHaveText(NOT_VALID);
  await expect(codeField(page)).toHaveValue('BBBB-BBBB');
});

test('a report of a code nobody has stops nothing, and says so', async ({ page }) => {
  await page.goto('/device/report');
  await codeField(page).fill('BBBB-BBBB');
  await press(page, 'Report and stop it');
  await expect(page).toHaveTitle('Error: I did not start this · Trust Manager');
  await expect(page.getByRole('alert')).toHaveText(NOT_VALID);
});

test('ten wrong passwords close the account to guessing for a while', async ({ page }) => {
  await page.goto('/sign-in');
  for (let tries = 0; tries < 10; tries++) {
    await signIn(page, 'wrong');
    await expect(page.getByRole('alert')).toBeVisible();
  }
  await signIn(page);
  await expect(heading(page)).toHaveText('Sign in');
  await expect(page.getByRole('alert')).toHaveText(/^Too many/);
});

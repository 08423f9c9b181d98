// Wrong codes and passwords are counted. Each test has its own server: the counters outlive sessions.
import { Device } from './device.ts';
import { codeField, enterCode, expect, heading, press, signedIn, signIn, test } from './fixtures.ts';
import { t, textLike, titledRefused } from './i18n.ts';

test.use({ alone: {} });

const NOT_VALID = t('code-refused-not-valid');

test('after five unknown codes a valid code is refused for a time', async ({ page, portal }) => {
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
  await press(page, t('device-continue'));
  await expect(page.getByRole('alert')).toHaveText(t('code-refused-too-many', { wait: t('span-minutes', { count: 10 }) }));
  expect((await answered).status()).toBe(429);
  expect(Number(await (await answered).headerValue('retry-after'))).toBeGreaterThan(500);
  expect(await device.poll()).toBe('authorization_pending');
});

test('before sign-in wrong and valid codes look alike', async ({ page }) => {
  await enterCode(page, 'BBBB-BBBB');
  await signIn(page);
  await expect(page.getByRole('alert')).toHaveText(NOT_VALID);
  await expect(codeField(page)).toHaveValue('BBBB-BBBB');
});

test('a report of an unknown code is refused', async ({ page }) => {
  await page.goto('/device/report');
  await codeField(page).fill('BBBB-BBBB');
  await press(page, t('report-button'));
  await expect(page).toHaveTitle(titledRefused(t('not-started')));
  await expect(page.getByRole('alert')).toHaveText(NOT_VALID);
});

test('after ten wrong passwords the right one is refused', async ({ page }) => {
  await page.goto('/sign-in');
  for (let tries = 0; tries < 10; tries++) {
    await signIn(page, 'wrong');
    await expect(page.getByRole('alert')).toBeVisible();
  }
  await signIn(page);
  await expect(heading(page)).toHaveText(t('sign-in'));
  await expect(page.getByRole('alert')).toHaveText(textLike('sign-in-refused-too-many', { wait: /\d+ \w+/ }));
});

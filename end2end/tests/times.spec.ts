// Times in the person's own zone, by the server's clock.
import { awake, expect, press, signedIn, test } from './fixtures.ts';

test.use({ timezoneId: 'America/Chicago', alone: {} });

test('times are shown in the zone of the browser', async ({ page }) => {
  await signedIn(page);
  await page.goto('/activity');
  await awake(page);
  await expect(page.locator('time[data-ago]').first()).toHaveAttribute('title', / C[SD]T$/);
});

test('a chosen zone goes before that of the browser', async ({ page }) => {
  await signedIn(page);
  await page.goto('/activity');
  await page.getByRole('link', { name: 'Time zone' }).click();
  await page.getByLabel('Time zone').selectOption('Asia/Kolkata');
  await press(page, 'Save');
  await expect(page).toHaveURL(/\/activity$/);
  await awake(page);
  await expect(page.locator('time[data-ago]').first()).toHaveAttribute('title', / IST$/);
});

test('a slow clock of the browser changes no times', async ({ page }) => {
  await page.clock.install({ time: Date.now() - 2 * 3_600_000 });
  await signedIn(page);
  await page.goto('/sessions');
  await awake(page);
  await page.clock.runFor(61_000);
  await expect(page.locator('time[data-ago]').first()).toHaveText(/^(1 minute|\d+ seconds) ago$/);
});

// Times in the person's time zone, by the server's clock.
import { allow, openConsent, hydrated, expect, press, signedIn, test } from './fixtures.ts';
import { t, textLike } from './i18n.ts';

test.use({ timezoneId: 'America/Chicago', alone: {} });

test('times use the time zone of the browser', async ({ page }) => {
  await signedIn(page);
  await page.goto('/activity');
  await hydrated(page);
  await expect(page.locator('time[data-ago]').first()).toHaveAttribute('title', / C[SD]T$/);
});

test('times in sentences use the time zone of the browser', async ({ page, portal }) => {
  const device = await openConsent(page, portal);
  await allow(page);
  const status = page.getByRole('status');
  await expect(status).toHaveText(t('pickup-waiting'));
  await hydrated(page);
  expect(await device.poll()).toBe('token');
  const sentence = textLike('pickup-at-from', { time: /\d{1,2} [A-Z][a-z]+ \d{4}, \d\d:\d\d C[SD]T/, from: '127.0.0.1' });
  await expect(status, 'as it comes').toHaveText(sentence);
  await page.reload();
  await expect(status, 'as the page has it').toHaveText(sentence);
});

test('a chosen time zone takes precedence over the browser’s', async ({ page }) => {
  await signedIn(page);
  await page.goto('/activity');
  await page.getByRole('contentinfo').getByRole('link', { name: t('settings-title') }).click();
  await page.getByLabel(t('time-zone-title')).selectOption('Asia/Kolkata');
  await press(page, t('time-zone-save'));
  await expect(page).toHaveURL(/\/activity$/);
  await hydrated(page);
  await expect(page.locator('time[data-ago]').first()).toHaveAttribute('title', / IST$/);
});

test('a slow clock of the browser does not affect times', async ({ page }) => {
  await page.clock.install({ time: Date.now() - 2 * 3_600_000 });
  await signedIn(page);
  await page.goto('/sessions');
  await hydrated(page);
  await page.clock.runFor(61_000);
  const span = [textLike('span-minutes', { count: 1 }), textLike('span-seconds', { count: /\d+/ })];
  const ago = textLike('span-ago', { span: new RegExp(span.map(({ source }) => source.slice(1, -1)).join('|')) });
  await expect(page.locator('time[data-ago]').first()).toHaveText(ago);
});

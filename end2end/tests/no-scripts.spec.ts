// A browser with JavaScript whose scripts do not load: a firewall, a failed download, a bad connection.
import { Device } from './device.ts';
import { allow, hydrated, codeField, enterCode, expect, heading, pickedUp, signIn, test } from './fixtures.ts';

test('the device flow works while scripts are blocked', async ({ page, portal, watch }) => {
  await page.route(/\/pkg\/.*\.(js|wasm)$/, route => route.abort());
  const device = await Device.start(portal);
  await enterCode(page, device.code);
  await signIn(page);
  await allow(page);
  expect(await device.poll()).toBe('token');
  await page.reload();
  await expect(page.getByRole('status')).toHaveText(pickedUp);
  watch.forgive(/net::ERR_FAILED|Failed to fetch dynamically imported module|Importing a module script failed/);
});

test('text entered before hydration stays in the code field', async ({ page }) => {
  let release = () => {};
  const held = new Promise<void>(resolve => (release = resolve));
  await page.route(/\.wasm$/, async route => {
    await held;
    await route.continue();
  });
  await page.goto('/device', { waitUntil: 'commit' });
  await codeField(page).pressSequentially('wdjbm');
  await expect(codeField(page)).toHaveValue('wdjbm');
  release();
  await hydrated(page);
  await expect(codeField(page)).toBeFocused();
  await codeField(page).pressSequentially('j');
  await expect(codeField(page)).toHaveValue('WDJB-MJ');
  await expect(heading(page)).toBeVisible();
});

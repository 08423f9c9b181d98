// Languages: chosen, requested by the browser, and right-to-left.
import { Device } from './device.ts';
import { expect, heading, press, signedIn, test } from './fixtures.ts';
import { es, t } from './i18n.ts';
import { makeKeys } from './machines.ts';
import { writePseudo } from './pseudo.ts';

test.describe('Spanish', () => {
  test.use({ locale: 'es-ES' });

  test('is shown if the browser requests it', async ({ page }) => {
    await page.goto('/device');
    await expect(heading(page)).toHaveText(es('device-title'));
    await expect(page.locator('html')).toHaveAttribute('lang', 'es');
    await press(page, es('device-continue'));
    await expect(page.getByRole('alert')).toHaveText(es('code-refused-empty'));
  });
});

test('a language chosen in the footer applies to every page', async ({ page }) => {
  await page.goto('/device');
  await press(page, es('language-name'));
  await expect(heading(page)).toHaveText(es('device-title'));
  await page.goto('/no-such-page');
  await expect(heading(page)).toHaveText(es('error-not-found'));
  await press(page, t('language-name'));
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
});

test('the dark theme is chosen and reset to the system’s', async ({ page }) => {
  await page.goto('/device');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await press(page, t('theme-dark'));
  expect(await ground()).not.toBe(light);
  await press(page, t('theme-system'));
  expect(await ground()).toBe(light);
});

test.describe('from right to left', () => {
  test.use({ alone: { prepare: operator => writePseudo(operator.data) }, locale: 'ar' });

  test('pages fit, codes keep their direction, all texts are translated', async ({ page, portal }) => {
    await makeKeys(portal, 1);
    const device = await Device.start(portal);
    await signedIn(page);
    const entered = await page.request.post('/api/device/enter', { form: { user_code: device.code }, maxRedirects: 0 });
    const consent = entered.headers().location!;
    await page.setViewportSize({ width: 320, height: 640 });
    for (const path of ['/', '/device', consent, '/hosts', '/keys', '/keys/add', '/keys/revoke?key=1', '/apps', '/sessions', '/activity', '/admin', '/admin/clients', '/admin/hosts', '/admin/people', '/admin/keys', '/admin/policy']) {
      await page.goto(path);
      await expect(page.locator('html')).toHaveAttribute('dir', 'rtl');
      const { wide, plain } = await page.evaluate(() => {
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const plain: string[] = [];
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          const parent = node.parentElement;
          const text = node.textContent?.trim() ?? '';
          // Names from the database, codes and texts in other languages are not translated.
          if (!parent || parent.closest('[translate=no], bdi, code, script, style, [lang]:not(html), time, .badge, strong, option, input, [data-name]')) continue;
          if (/[a-zA-Z]{3}/.test(text) && !/[áéíóúñçšÁÉÍÓÚÑÇŠ]/.test(text)) plain.push(text);
        }
        return { wide: document.documentElement.scrollWidth - document.documentElement.clientWidth, plain };
      });
      expect.soft(wide, `${path} is wider than the window`).toBeLessThanOrEqual(0);
      expect.soft(plain, `${path}: sentences that are not among the words`).toEqual([]);
    }
    await page.goto(consent);
    await expect(page.locator('.compare .code')).toHaveText(device.code);
    await expect(page.locator('.compare .code')).toHaveCSS('direction', 'ltr');
  });
});

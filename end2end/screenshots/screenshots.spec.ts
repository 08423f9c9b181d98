import { hydrated, test } from '../tests/fixtures.ts';
import { STATES } from '../tests/states.ts';

const SIZES = { phone: { width: 412, height: 839 }, desktop: { width: 1280, height: 800 } };

for (const { name, open } of STATES) {
  test(name, async ({ page, portal }) => {
    await open(page, portal);
    await hydrated(page);
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        const file = `${name.replace(/\W+/g, '-')}.${size}.${colorScheme}.png`;
        await page.screenshot({ path: `results/screenshots/${file}`, fullPage: true, animations: 'disabled' });
      }
    }
  });
}

// The header: one row at every width, menus without scripts, and one left edge of all pages.
import { expect, heading, type Page, personMenu, press, signedIn, test } from './fixtures.ts';
import { es, t } from './i18n.ts';
import { type Operator, PERSON } from './portal.ts';

const WIDTHS = [320, 390, 768, 1024, 1280];
const LONG = { tenant: 'Texas Advanced Computing Center, The University of Texas', person: 'Maximiliana Hernández-Echeverría de la Torre y Villanueva' };
const admin = { ...PERSON, userName: 'maxi', password: '' };

/** An administrator with a long name, in a tenant with a long name. */
async function prepare(operator: Operator) {
  await operator('tenant', 'set', '--tenant', 'test', '--display-name', LONG.tenant);
  const words = await operator('person', 'add', '--tenant', 'test', '--display-name', LONG.person, admin.userName);
  admin.password = /password of \S+ is (\S+)/.exec(words)?.[1] ?? '';
  await operator('person', 'promote', '--tenant', 'test', admin.userName);
}

const measure = (page: Page) =>
  page.evaluate(() => {
    const box = (name: string) => document.querySelector(name)?.getBoundingClientRect();
    return {
      header: box('header')!.height,
      areas: box('.areas')?.height ?? 0,
      left: Math.round(box('h1')!.left),
      tooWide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    };
  });

for (const [locale, text] of [['en-US', t], ['es-ES', es]] as const) {
  test.describe(`in ${locale}`, () => {
    test.use({ alone: { prepare }, locale });

    test('the header of an administrator is one row', async ({ page }) => {
      await signedIn(page, admin);
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        for (const path of ['/', '/admin', '/admin/policy']) {
          await page.goto(path);
          const { header, areas, tooWide } = await measure(page);
          expect.soft(header, `${path} at ${width} px`).toBeLessThan(70);
          expect.soft(tooWide, `${path} at ${width} px`).toBe(false);
          if (width < 768) expect.soft(areas, `${path} at ${width} px: one row of administration`).toBeLessThan(50);
        }
        await expect(personMenu(page), `the name at ${width} px`).toBeVisible();
        await expect(page.getByRole('button', { name: text('nav-menu'), exact: true })).toBeVisible({ visible: width < 768 });
      }
    });
  });
}

test.describe('as any person', () => {
  test('all pages have the same left edge', async ({ page }) => {
    await signedIn(page);
    for (const width of [390, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const edges = new Map<string, number>();
      for (const path of ['/', '/device', '/hosts', '/keys', '/keys/add', '/apps', '/activity', '/identities', '/sessions', '/settings', '/admin', '/docs/api']) {
        await page.goto(path);
        edges.set(path, (await measure(page)).left);
      }
      expect(new Set(edges.values()).size, JSON.stringify([...edges])).toBe(1);
    }
  });

  test('menus open and close by keyboard', async ({ page }) => {
    await signedIn(page);
    await page.goto('/settings');
    const item = page.getByRole('link', { name: t('nav-sessions'), exact: true });
    await expect(item).toBeHidden();
    await personMenu(page).focus();
    await page.keyboard.press('Enter');
    await expect(item).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(item).toBeHidden();
    await expect(personMenu(page)).toBeFocused();
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', { name: t('nav-identities') })).toBeFocused();
    await page.keyboard.press('Tab');
    await expect(item).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(heading(page)).toHaveText(t('sessions-title'));
    await expect(item, 'closed on the next page').toBeHidden();
  });

  test('the menus of a phone hold all links', async ({ page }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await signedIn(page);
    await page.goto('/');
    await press(page, t('nav-menu'));
    const nav = page.getByRole('navigation', { name: t('nav-main') });
    await expect(nav.getByRole('link')).toHaveText(['nav-device', 'nav-hosts', 'nav-keys', 'nav-apps', 'nav-activity', 'nav-admin'].map(key => t(key)));
    await page.mouse.click(180, 700);
    await expect(nav, 'closed by a click elsewhere').toBeHidden();
    await press(page, t('nav-menu'));
    await nav.getByRole('link', { name: t('nav-admin') }).click();
    await press(page, t('admin-areas'));
    await page.getByRole('link', { name: t('admin-people'), exact: true }).first().click();
    await expect(page.getByRole('button', { name: t('admin-areas-menu', { area: t('admin-people') }) })).toBeVisible();
  });
});

// WCAG 2.2 AA on every page in every state: axe, and checks that axe does not have.
import AxeBuilder from '@axe-core/playwright';
import { hydrated, codeField, expect, type Page, test } from './fixtures.ts';
import { t, textLike } from './i18n.ts';
import { STATES } from './states.ts';

const A_TITLE = new RegExp(['document-title', 'document-title-refused'].map(key => textLike(key, { title: /.+/ }).source).join('|'));
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const DESKTOP = { width: 1280, height: 720 };
const PHONE = { width: 412, height: 839 };
const NARROW = { width: 320, height: 640 };

for (const { name, open } of STATES) {
  test(`${name}: accessible`, async ({ page, portal }) => {
    test.slow(name === 'API documentation', 'it has more than a hundred stops');
    await page.setViewportSize(PHONE);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    // Delays the islands until after the first paint, as over a slow connection, so that layout shifts they cause are
    // noticed.
    await page.route(/\.wasm$/, async route => {
      await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0).catch(() => {});
      await route.continue();
    });
    await open(page, portal);
    await hydrated(page);

    expect.soft(await shifts(page), 'layout shifts').toEqual([]);
    await expect.soft(page.getByRole('heading', { level: 1 })).toHaveCount(1);
    const title = (await page.getByRole('heading', { level: 1 }).innerText()).replace(/\s+/g, ' ');
    expect.soft(await page.title()).toMatch(A_TITLE);
    expect.soft(await page.title()).toContain(title);
    expect.soft(await smallTargets(page), 'targets that are too small').toEqual([]);
    expect.soft(await smallType(page), 'fields into which telephones would zoom').toEqual([]);
    await everyStopIsSeen(page);

    for (const size of [PHONE, DESKTOP]) {
      await page.setViewportSize(size);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
        const found = violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.target} ${node.failureSummary}`));
        expect.soft(found, `axe, ${colorScheme}, ${size.width} px wide`).toEqual([]);
      }
    }

    await page.setViewportSize(NARROW);
    expect.soft(await overflows(page), 'at 320 px').toEqual([]);
    await spaceTextOut(page);
    expect.soft(await overflows(page), 'at 320 px with the text spaced out (WCAG 1.4.12)').toEqual([]);
  });
}

for (const theme of ['dark', 'system']) {
  test(`a page in the ${theme} theme is printed in light colours`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.goto('/device');
    if (theme === 'dark') await page.getByRole('button', { name: t('theme-dark'), exact: true }).click();
    const ink = () => page.evaluate(() => getComputedStyle(document.body).color);
    await expect(codeField(page)).toBeVisible();
    expect(await ink()).toBe('rgb(232, 237, 242)');
    await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
    expect(await ink()).toBe('rgb(23, 33, 44)');
  });
}

test('each page has a unique title', async ({ page, portal }) => {
  const titles = new Map<string, string>();
  for (const { name, open } of STATES.filter(({ name }) => !name.includes(','))) {
    await page.context().clearCookies();
    await open(page, portal);
    const title = await page.title();
    expect(titles.get(title), `${name} is called ${title}, as another page is`).toBeUndefined();
    titles.set(title, name);
  }
});

/**
 * Layout shifts that were not caused by input, since the document was complete. Before that, a browser may paint a page of which it has
 * parsed a part; on a busy machine also if it has received all of it. The text that follows then shifts what is beside it.
 */
function shifts(page: Page) {
  return page.evaluate(
    () =>
      new Promise<string[]>(resolve => {
        const seen: any[] = [];
        new PerformanceObserver(list => seen.push(...list.getEntries())).observe({ type: 'layout-shift', buffered: true });
        const { domInteractive: parsed } = performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming;
        const told = (shift: any) => `${shift.value} after ${shift.startTime - parsed} ms: ${shift.sources.map((source: any) => source.node?.outerHTML ?? source.node?.data)}`;
        // Two frames: changes of the islands have been painted; then a task: they have been reported.
        requestAnimationFrame(() =>
          requestAnimationFrame(() => setTimeout(() => resolve(seen.filter(shift => !shift.hadRecentInput && shift.startTime > parsed).map(told)))),
        );
      }),
  );
}

/** Buttons and fields are 44 px high, other targets 24 px; links within a sentence are exempt (WCAG 2.5.8). */
function smallTargets(page: Page) {
  return page.evaluate(() => {
    const visible = (element: Element) => element.getClientRects().length > 0;
    const inSentence = (link: Element) => {
      const around = link.closest('p');
      return around !== null && around.textContent?.trim() !== link.textContent?.trim();
    };
    const targets = [...document.querySelectorAll('a, button, select, textarea, summary, input:not([type=hidden])')].filter(visible).filter(element => !(element.matches('a:not(.button)') && inSentence(element)));
    return targets
      .map(element => (element.matches('[type=checkbox], [type=radio]') ? (element.closest('label') ?? element) : element))
      .map(element => ({ element, least: element.matches('a:not(.button)') ? 24 : 44, box: element.getBoundingClientRect() }))
      .filter(({ least, box }) => box.width < least || box.height < least)
      .map(({ element, least, box }) => `${element.outerHTML.slice(0, 80)} is ${box.width}×${box.height}, not ${least}`);
  });
}

/** Safari on phones zooms in on fields with a font size below 16 px. */
function smallType(page: Page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
      .map(field => ({ field, size: parseFloat(getComputedStyle(field).fontSize) }))
      .filter(({ size }) => size < 16)
      .map(({ field, size }) => `${field.outerHTML.slice(0, 80)} has ${size} px`),
  );
}

/** Tabs through the page: each stop has an outline, is in the viewport, and is not covered. */
async function everyStopIsSeen(page: Page) {
  await page.evaluate(() => {
    (document.activeElement as HTMLElement | null)?.blur();
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
  });
  const stops = await page.evaluate(() => document.querySelectorAll('a, button, select, textarea, summary, input:not([type=hidden])').length);
  const seen = new Set<string>();
  for (let stop = 0; stop < stops + 2; stop++) {
    await page.keyboard.press('Tab');
    const { what, trouble } = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      // A link over two lines has two boxes.
      const box = element.getClientRects()[0];
      const style = getComputedStyle(element);
      const x = (Math.max(box.left, 0) + Math.min(box.right, innerWidth)) / 2;
      const top = document.elementFromPoint(x, (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2);
      const trouble: string[] = [];
      if (element !== document.body) {
        if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) trouble.push('has no outline');
        if (box.bottom <= 0 || box.top >= innerHeight) trouble.push('is outside the window');
        else if (!top || !(element.contains(top) || top.contains(element) || element.closest('label')?.contains(top))) trouble.push(`is covered by ${top?.outerHTML.slice(0, 60)}`);
      }
      return { what: element === document.body ? '' : element.outerHTML.slice(0, 80), trouble };
    });
    expect(trouble, what).toEqual([]);
    seen.add(what);
  }
  expect(seen.size, 'there is something to stop at').toBeGreaterThan(2);
}

/** Nothing is wider than the viewport, and no text is clipped. */
function overflows(page: Page) {
  return page.evaluate(() => {
    const wide = [...document.body.querySelectorAll('*')]
      .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
      .map(element => `${element.outerHTML.slice(0, 80)} sticks out`);
    const cut = [...document.body.querySelectorAll('*')]
      .filter(element => getComputedStyle(element).overflow !== 'visible' && !element.matches('input, svg') && element.scrollHeight > element.clientHeight + 1)
      .map(element => `${element.outerHTML.slice(0, 80)} is cut off`);
    const scrolls = document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['the page scrolls sideways'] : [];
    return [...wide, ...cut, ...scrolls];
  });
}

/** WCAG 1.4.12, with a constructed style sheet: the page's CSP allows no inline one. */
function spaceTextOut(page: Page) {
  return page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-block-end: 2em !important }');
    document.adoptedStyleSheets.push(sheet);
  });
}

// The API documentation, which is rendered from /spec.
import AxeBuilder from '@axe-core/playwright';
import { expect, heading, type Page, test } from './fixtures.ts';
import { t } from './i18n.ts';

const operation = (page: Page, name: string) => page.locator('.operation').filter({ has: page.getByRole('heading', { level: 3, name, exact: true }) });
const unfold = (page: Page, most: number) => page.locator('details').evaluateAll((all, most) => all.slice(0, most).forEach(details => details.setAttribute('open', '')), most);

test('the page lists exactly the operations of /spec', async ({ page, request }) => {
  const { paths } = await (await request.get('/spec')).json();
  const operations = Object.entries(paths).flatMap(([path, verbs]) => Object.keys(verbs as object).map(verb => `${verb.toUpperCase()} ${path}`));
  await page.goto('/docs/api');
  const shown = await page.locator('.operation h3').allInnerTexts();
  expect(shown.map(text => text.replace(/\s+/g, ' ').trim()).sort()).toEqual(operations.sort());
});

test('the start page links the page, and the page links /spec', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('link', { name: t('nav-api') }).click();
  await expect(heading(page)).toHaveText('The TMS API');
  await page.getByRole('link', { name: 'OpenAPI 3.1, as JSON' }).click();
  await expect(page).toHaveURL('/spec');
});

test('links inside the page have targets, and ids are unique', async ({ page }) => {
  await page.goto('/docs/api');
  const { lost, twice } = await page.evaluate(() => {
    const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
    const anchors = [...document.querySelectorAll<HTMLAnchorElement>('a[href^="#"]')].map(link => link.hash.slice(1));
    return { lost: anchors.filter(anchor => !ids.includes(anchor)), twice: ids.filter((id, n) => ids.indexOf(id) !== n) };
  });
  expect(lost).toEqual([]);
  expect(twice).toEqual([]);
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? 'with scripts' : 'without scripts', () => {
    test.use({ javaScriptEnabled });

    test('an operation is found and expands', async ({ page, portal }) => {
      await page.goto('/docs/api');
      await page.getByText(/^All \d+ operations$/).click();
      await page.getByRole('navigation', { name: 'Contents' }).getByRole('link', { name: 'POST /v1/tms/pubkeys/creds', exact: true }).click();
      await expect(page).toHaveURL('/docs/api#pubkeys-create');
      const create = operation(page, 'POST /v1/tms/pubkeys/creds');
      await expect(create).toBeInViewport();
      await expect(create).toContainText('Callers: the client (X-TMS-TENANT, X-TMS-CLIENT-ID, X-TMS-CLIENT-SECRET)');
      await create.getByText('Fields, example, response').click();
      await expect(create.getByRole('row', { name: /^host_account body string required/ })).toBeVisible();
      await expect(create.getByRole('row', { name: /^private_key string not always/ })).toBeVisible();
      const example = await create.locator('pre').innerText();
      expect(example).toContain('curl -sS -X POST "$TMS_URL/v1/tms/pubkeys/creds"');
      expect(example).toContain('-H "X-TMS-CLIENT-SECRET: $CLIENT_SECRET"');
      await expect(page.getByText(`TMS_URL=${portal.url}`)).toBeVisible();
    });
  });
}

test('expanded, the page is accessible and fits a narrow window', async ({ page }) => {
  test.slow();
  await page.goto('/docs/api');
  // The rest consists of the same components, and axe would take a minute.
  await unfold(page, 8);
  for (const [width, colorScheme] of [[1280, 'light'], [412, 'dark']] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.target}`)), `${width} px, ${colorScheme}`).toEqual([]);
  }
  await unfold(page, 1000);
  for (const width of [320, 769, 1024]) {
    await page.setViewportSize({ width, height: 640 });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wider, `${width} px`).toBe(0);
  }
});

test('all examples are expanded in print', async ({ page }) => {
  await page.goto('/docs/api');
  await page.emulateMedia({ media: 'print' });
  const example = operation(page, 'POST /v1/tms/pubkeys/creds').locator('pre');
  await expect.poll(async () => (await example.boundingBox())?.height ?? 0).toBeGreaterThan(50);
  await expect(page.getByRole('navigation', { name: 'Contents' })).toBeHidden();
});

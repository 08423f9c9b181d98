// `npm run pictures`: the pictures of the documentation, from a portal with realistic data.
import { test } from '@playwright/test';
import { join } from 'node:path';
import { Device } from '../tests/device.ts';
import { hydrated } from '../tests/fixtures.ts';
import { type Operator, PERSON, Portal, TOP } from '../tests/portal.ts';
import { Watch } from '../tests/watch.ts';
import { fill } from './demo.mjs';

const PAGES = { home: '/', keys: '/keys', applications: '/apps', activity: '/activity', administration: '/admin' };
const DESKTOP = { width: 1280, height: 1100 };
const PHONE = { width: 390, height: 844 };

test('pictures', async ({ browser }) => {
  test.setTimeout(180_000);
  let operator: Operator | undefined;
  const portal = await Portal.start(async given => { operator = given; });
  if (!operator) throw new Error('the data were not prepared');
  const context = await browser.newContext({ viewport: DESKTOP, baseURL: portal.url });
  await Watch.over(context, portal.url, true);
  const page = await context.newPage();
  await fill(portal.url, operator, page, PERSON.password);
  const picture = (name: string, fullPage = false) => page.screenshot({ path: join(TOP, `docs/pictures/${name}.png`), fullPage, animations: 'disabled' });
  for (const [name, path] of Object.entries(PAGES)) {
    await page.goto(path);
    await hydrated(page);
    await picture(name);
  }
  await page.setViewportSize(PHONE);
  await page.goto('/device');
  await page.locator('[name=user_code]').fill((await Device.start(portal)).code);
  await page.locator('[name=user_code]').press('Enter');
  await page.waitForURL(/grant=/);
  await hydrated(page);
  await picture('consent-phone', true);
  await context.close();
  await portal.stop();
});

// An application in the browser signs people in with the portal: what only a browser shows.
import AxeBuilder from '@axe-core/playwright';
import { Application, forgive, HUB } from './application.ts';
import { expect, heading, press, signedIn, signIn, test } from './fixtures.ts';
import { t } from './i18n.ts';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const question = t('authorize-question-delegation', { client: HUB.name });

let secret = '';
let application: Application;

test.use({ alone: { prepare: async operator => void (secret = await Application.registered(operator)) } });
test.afterEach(async ({ watch }) => {
  forgive(watch);
  await application.stop();
});

test('@look a person allows access and returns', async ({ page, portal, scripts }) => {
  application = await Application.start();
  await page.goto(application.request(portal));
  await signIn(page);
  await expect(heading(page)).toHaveText(question);
  if (scripts) expect((await new AxeBuilder({ page }).withTags(TAGS).analyze()).violations).toEqual([]);
  await press(page, t('consent-allow'));
  const { code, state, iss, referer } = await application.returned(page);
  expect({ state, iss, referer }).toEqual({ state: 'first', iss: `${portal.url}/t/test`, referer: '' });
  expect(await application.redeem(portal, secret, code)).toMatchObject({ token_type: 'Bearer', scope: 'hosts:read keys:create openid profile' });
});

test('the way back is not blocked if the application redirects on', async ({ page, portal }) => {
  application = await Application.start(true);
  await signedIn(page);
  await page.goto(application.request(portal));
  await press(page, t('consent-deny'));
  expect(await application.returned(page)).toMatchObject({ error: 'access_denied' });
  expect(new URL(page.url()).hostname).toBe('localhost');
});

test('a person who is not asked returns at once', async ({ page, portal }) => {
  application = await Application.start();
  await signedIn(page);
  await page.goto(application.request(portal, { prompt: 'none' }));
  expect(await application.returned(page)).toMatchObject({ error: 'consent_required' });
  await page.goto(application.request(portal, { scope: 'openid' }));
  await page.getByRole('checkbox', { name: t('authorize-remember') }).check();
  await press(page, t('sign-in'));
  expect(await application.returned(page)).toMatchObject({ state: 'first' });
  await page.goto(application.request(portal, { scope: 'openid', state: 'second' }));
  expect(await application.returned(page)).toMatchObject({ state: 'second' });
});

test('four tabs end at their own requests', async ({ context, portal }) => {
  application = await Application.start();
  const states = ['one', 'two', 'three', 'four'];
  // The first one begins the browser session (docs/decisions/0029).
  const tabs = [];
  for (const state of states) {
    const page = await context.newPage();
    await page.goto(application.request(portal, { state }));
    tabs.push({ state, page });
  }
  for (const { page } of tabs) {
    await signIn(page);
    await expect(heading(page)).toHaveText(question);
  }
  for (const { state, page } of tabs.reverse()) {
    await press(page, t('authorize-sign-in-only'));
    expect(await application.returned(page)).toMatchObject({ state });
  }
});

test('@phone the page that returns has a link, and is accessible', async ({ page, portal, scripts }) => {
  application = await Application.start();
  await signedIn(page);
  await page.goto(application.request(portal));
  // As a browser that does not go on by itself, the person sees the page.
  await page.route(/\/api\/authorize\/decide/, async route => {
    const response = await route.fetch();
    const { refresh, ...headers } = response.headers();
    expect(refresh).toContain('0;url=http://127.0.0.1:');
    await route.fulfill({ response, headers });
  });
  await press(page, t('consent-allow'));
  await expect(heading(page)).toHaveText(t('authorize-onward-program'));
  if (scripts) expect((await new AxeBuilder({ page }).withTags(TAGS).analyze()).violations).toEqual([]);
  await page.getByRole('link', { name: t('authorize-go-program') }).click();
  expect((await application.returned(page)).code).toBeTruthy();
});

test('@js the three answers have equal weight, and Enter denies', async ({ page, portal }) => {
  application = await Application.start();
  await signedIn(page);
  await page.goto(application.request(portal));
  const buttons = [t('consent-deny'), t('authorize-sign-in-only'), t('consent-allow')].map(name => page.getByRole('button', { name, exact: true }));
  const sizes = await Promise.all(buttons.map(button => button.evaluate(element => {
    const { height } = element.getBoundingClientRect();
    const { backgroundColor, fontWeight } = getComputedStyle(element);
    return { height, backgroundColor, fontWeight };
  })));
  expect(sizes[1]).toEqual(sizes[0]);
  expect(sizes[2]).toEqual(sizes[0]);
  await page.getByRole('radio').first().press('Enter');
  expect(await application.returned(page)).toMatchObject({ error: 'access_denied' });
});

test('a request that is open elsewhere is explained', async ({ page, portal, anotherBrowser }) => {
  application = await Application.start();
  await signedIn(page);
  await page.goto(application.request(portal));
  await expect(heading(page)).toHaveText(question);
  const other = await anotherBrowser();
  await signedIn(other);
  await other.goto(page.url());
  await expect(heading(other)).toHaveText(t('authorize-elsewhere'));
  await expect(other.getByRole('button', { name: t('consent-allow'), exact: true })).toHaveCount(0);
});

test('an address that is not registered gets a page without a way there', async ({ page, portal }) => {
  application = await Application.start();
  await page.goto(application.request(portal, { redirect_uri: 'https://evil.example/cb' }));
  await expect(heading(page)).toHaveText(t('authorize-refused'));
  expect(await page.content()).not.toContain('evil.example');
});

// Fixtures of all tests: a server per worker, a watched browser, and the common steps.
import { type BrowserContext, test as base, expect, type Page } from '@playwright/test';
import { t, textLike } from './i18n.ts';
import { CLIENT, PERSON, Portal, type Prepare } from './portal.ts';
import { Device } from './device.ts';
import { Watch } from './watch.ts';

export { expect, type Page };

interface Fixtures {
  /** The test has its own server, prepared by `prepare`; for tests of wrong codes. */
  alone: false | { prepare?: Prepare; host?: string };
  portal: Portal;
  watch: Watch;
  /** Scripts are enabled. */
  scripts: boolean;
  /** A page in another browser. */
  anotherBrowser: () => Promise<Page>;
}

export const test = base.extend<Fixtures, { shared: Portal }>({
  alone: [false, { option: true }],
  shared: [
    async ({}, use) => {
      const portal = await Portal.start();
      await use(portal);
      await portal.stop();
    },
    { scope: 'worker' },
  ],
  portal: async ({ alone, shared }, use) => {
    const own = alone ? await Portal.start(alone.prepare, alone.host) : undefined;
    await use(own ?? shared);
    await own?.stop();
  },
  baseURL: async ({ portal }, use) => use(portal.url),
  scripts: async ({ javaScriptEnabled }, use) => use(javaScriptEnabled !== false),
  watch: [
    async ({ context, portal, scripts }, use) => {
      const watch = await Watch.over(context, portal.url, scripts);
      await use(watch);
      expect(watch.all(), 'what the browser complained about').toEqual([]);
    },
    { auto: true },
  ],
  anotherBrowser: async ({ browser, contextOptions, javaScriptEnabled, portal, scripts }, use) => {
    const contexts: [BrowserContext, Watch][] = [];
    await use(async () => {
      const context = await browser.newContext({ ...contextOptions, javaScriptEnabled, baseURL: portal.url });
      contexts.push([context, await Watch.over(context, portal.url, scripts)]);
      return context.newPage();
    });
    for (const [context, watch] of contexts) {
      await context.close();
      expect(watch.all(), 'what the other browser complained about').toEqual([]);
    }
  },
});

export const codeField = (page: Page) => page.getByRole('textbox', { name: t('device-code') });
export const userNameField = (page: Page) => page.getByRole('textbox', { name: t('sign-in-user-name') });
export const passwordField = (page: Page) => page.getByLabel(t('sign-in-password'), { exact: true });
export const startedThis = (page: Page) => page.getByRole('checkbox', { name: t('consent-confirmation') });
export const heading = (page: Page) => page.getByRole('heading', { level: 1 });
export const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

/** The heading of the consent page for the test data's client. */
export const consentHeading = t('consent-question', { client: CLIENT.name });
/** The text of the result page after a device has redeemed its code. */
export const pickedUp = textLike('pickup-at-from', { time: /.+/, from: /\S+/ });

/** The islands are hydrated. */
export const hydrated = (page: Page) => expect(page.locator('html')).toHaveAttribute('data-awake', '');

export async function enterCode(page: Page, code: string) {
  await page.goto('/device');
  await codeField(page).fill(code);
  await press(page, t('device-continue'));
}

export async function signIn(page: Page, password = PERSON.password) {
  await expect(heading(page)).toHaveText(t('sign-in'));
  await userNameField(page).fill(PERSON.userName);
  await passwordField(page).fill(password);
  await press(page, t('sign-in'));
}

/** The button of the person's menu. */
export const personMenu = (page: Page) => page.locator('button.who');

/** Signs out with the button in the person's menu. */
export async function signOut(page: Page) {
  await personMenu(page).click();
  await press(page, t('sign-out'));
}

/** Signs in without the page, for tests of other subjects. */
export async function signedIn(page: Page, person = PERSON) {
  const form = { tenant: person.tenant, user_name: person.userName, password: person.password };
  await page.request.post('/sign-in/password', { form });
}

/** Signs in and opens the consent page of a new device. */
export async function openConsent(page: Page, portal: Portal): Promise<Device> {
  const device = await Device.start(portal);
  await signedIn(page);
  await enterCode(page, device.code);
  await expect(heading(page)).toHaveText(consentHeading);
  return device;
}

export async function allow(page: Page) {
  await startedThis(page).check();
  await press(page, t('consent-allow'));
  await expect(heading(page)).toHaveText(t('result-connected'));
}

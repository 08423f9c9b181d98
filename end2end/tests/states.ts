// Every page in every state, and the steps to it: for the accessibility tests and the screenshots.
import { openRequest } from './application.ts';
import { Device } from './device.ts';
import { allow, openConsent, codeField, enterCode, expect, heading, type Page, press, signedIn, signIn } from './fixtures.ts';
import { Host } from './host.ts';
import { t, textLike } from './i18n.ts';
import { addProvider, Institution } from './institution.ts';
import { makeKeys } from './machines.ts';
import { CLIENT, type Portal } from './portal.ts';

export interface State {
  name: string;
  open: (page: Page, portal: Portal) => Promise<unknown>;
}

async function signedInAt(page: Page, path: string) {
  await signedIn(page);
  await page.goto(path);
}

export const STATES: State[] = [
  { name: 'home, signed out', open: page => page.goto('/') },
  {
    name: 'home, signed in',
    open: async page => {
      await signedIn(page);
      await page.goto('/');
    },
  },
  {
    name: 'home, a request waits',
    open: async (page, portal) => {
      await openConsent(page, portal);
      await page.goto('/');
    },
  },
  { name: 'code, empty', open: page => page.goto('/device') },
  { name: 'code, refused', open: page => enterCode(page, 'WDJB-MJ') },
  { name: 'sign-in', open: page => page.goto('/sign-in') },
  {
    name: 'sign-in, with a code',
    open: async (page, portal) => enterCode(page, (await Device.start(portal)).code),
  },
  {
    name: 'sign-in, refused',
    open: async page => {
      await page.goto('/sign-in');
      await signIn(page, 'wrong');
    },
  },
  { name: 'consent', open: openConsent },
  {
    name: 'consent, refused',
    open: async (page, portal) => {
      await openConsent(page, portal);
      await press(page, t('consent-allow'));
      await expect(page.getByRole('alert')).toBeVisible();
    },
  },
  {
    name: 'result, waiting',
    open: async (page, portal) => {
      await openConsent(page, portal);
      await allow(page);
    },
  },
  {
    name: 'result, picked up',
    open: async (page, portal) => {
      const device = await openConsent(page, portal);
      await allow(page);
      await device.poll();
      await page.reload();
    },
  },
  {
    name: 'result, denied',
    open: async (page, portal) => {
      await openConsent(page, portal);
      await press(page, t('consent-deny'));
      await expect(heading(page)).toHaveText(t('result-denied'));
    },
  },
  {
    name: 'result, taken back',
    open: async (page, portal) => {
      await openConsent(page, portal);
      await allow(page);
      await press(page, t('result-revoke'));
      await expect(heading(page)).toHaveText(t('result-revoked'));
    },
  },
  {
    name: 'result, nothing',
    open: async page => {
      await signedIn(page);
      await page.goto('/device/result');
    },
  },
  { name: 'authorization request', open: openRequest },
  { name: 'authorization request, sign-in', open: (page, portal) => openRequest(page, portal, { scope: 'openid profile' }) },
  {
    name: 'authorization request, refused',
    open: async (page, portal) => {
      await openRequest(page, portal);
      // As if the page had offered a lifetime that is not available.
      await page.getByRole('radio').first().evaluate(radio => radio.setAttribute('value', '60'));
      await press(page, t('consent-allow'));
      await expect(page.getByRole('alert')).toBeVisible();
    },
  },
  {
    name: 'authorization request, which account',
    open: (page, portal) => openRequest(page, portal, { prompt: 'select_account' }),
  },
  {
    name: 'authorization request, reported',
    open: async (page, portal) => {
      await openRequest(page, portal);
      await press(page, t('not-started'));
      await expect(heading(page)).toHaveText(t('report-thanks'));
    },
  },
  { name: 'authorization request, not valid', open: (page, portal) => openRequest(page, portal, { redirect_uri: 'https://elsewhere.example/cb' }) },
  { name: 'authorization request, none', open: page => page.goto('/authorize') },
  { name: 'report', open: page => page.goto('/device/report') },
  {
    name: 'report, refused',
    open: async page => {
      await page.goto('/device/report');
      await press(page, t('report-button'));
      await expect(page.getByRole('alert')).toBeVisible();
    },
  },
  {
    name: 'report, thanks',
    open: async (page, portal) => {
      await page.goto('/device/report');
      await codeField(page).fill((await Device.start(portal)).code);
      await press(page, t('report-button'));
      await expect(heading(page)).toHaveText(t('report-thanks'));
    },
  },
  {
    name: 'hosts',
    open: async page => {
      await signedIn(page);
      await page.goto('/hosts');
    },
  },
  {
    name: 'sessions',
    open: async page => {
      await signedIn(page);
      await page.request.post('/api/sessions/end-others', { form: { form_account: 'test/testuser1' } });
      // The first session stays, but no browser has it.
      await page.context().clearCookies();
      await signedIn(page);
      await page.goto('/sessions');
    },
  },
  { name: 'ways to sign in, none', open: page => signedInAt(page, '/identities') },
  { name: 'password', open: page => signedInAt(page, '/identities/password') },
  { name: 'hosts, none', open: page => signedInAt(page, '/hosts?q=none') },
  { name: 'link, empty', open: page => signedInAt(page, '/hosts/link') },
  {
    name: 'link, question',
    open: async (page, portal) => {
      const account = await (await Host.start(page, portal)).ask('jd');
      await page.goto('/hosts/link');
      await codeField(page).fill(account.code);
      await press(page, t('device-continue'));
      await expect(heading(page)).toHaveText(textLike('link-question', { account: 'jd', host: /host-.+/ }));
    },
  },
  { name: 'keys, none', open: page => signedInAt(page, '/keys?q=none') },
  {
    name: 'keys',
    open: async (page, portal) => {
      await makeKeys(portal, 1);
      await signedInAt(page, '/keys');
    },
  },
  {
    name: 'keys, by host, with an ended one',
    open: async (page, portal) => {
      await makeKeys(portal, 7, { ttl_minutes: 0 });
      await makeKeys(portal, 7);
      await signedInAt(page, '/keys?by=host');
    },
  },
  {
    name: 'keys, all in one list',
    open: async (page, portal) => {
      await makeKeys(portal, 1);
      await signedInAt(page, '/keys?show=all');
    },
  },
  {
    name: 'keys, revoke a group',
    open: async (page, portal) => {
      await makeKeys(portal, 1);
      await signedInAt(page, `/keys/revoke?client=${CLIENT.id}`);
    },
  },
  { name: 'keys, a question', open: page => signedInAt(page, '/keys/revoke-everything') },
  { name: 'keys, add', open: page => signedInAt(page, '/keys/add') },
  {
    name: 'keys, add, refused',
    open: async page => {
      await signedInAt(page, '/keys/add');
      await page.getByLabel(t('keys-add-key'), { exact: true }).fill('nonsense');
      await press(page, t('keys-add-button'));
      await expect(page.getByRole('alert')).toBeVisible();
    },
  },
  { name: 'applications', open: page => signedInAt(page, '/apps') },
  { name: 'application', open: page => signedInAt(page, '/apps/application?client=testclient1') },
  { name: 'application, question', open: page => signedInAt(page, '/apps/revoke?client=testclient1') },
  { name: 'activity', open: page => signedInAt(page, '/activity') },
  {
    name: 'activity, equal events',
    open: async (page, portal) => {
      await makeKeys(portal, 3);
      await signedInAt(page, '/activity?show=keys');
      for (const summary of await page.locator('.event > details > summary, .not-me > summary').all()) await summary.click();
    },
  },
  { name: 'activity, refused dates', open: page => signedInAt(page, '/activity?from=yesterday') },
  { name: 'sign-in, again', open: page => signedInAt(page, '/sign-in?again=1&then=/admin') },
  { name: 'administration', open: page => signedInAt(page, '/admin') },
  { name: 'administration: clients', open: page => signedInAt(page, '/admin/clients') },
  { name: 'administration: clients, add', open: page => signedInAt(page, '/admin/clients/add') },
  { name: 'administration: clients, one', open: page => signedInAt(page, '/admin/clients/client?client=testclient1') },
  { name: 'administration: hosts', open: page => signedInAt(page, '/admin/hosts') },
  { name: 'administration: hosts, one', open: page => signedInAt(page, '/admin/hosts/host?host=testhost1') },
  { name: 'administration: providers', open: page => signedInAt(page, '/admin/providers') },
  { name: 'administration: providers, add', open: page => signedInAt(page, '/admin/providers/add') },
  {
    name: 'administration: providers, one',
    open: async (page, portal) => {
      await signedInAt(page, '/admin/providers/add');
      const institution = await Institution.start(portal.url);
      await addProvider(page, institution);
      await institution.stop();
      // Other people sign in here, too.
      await page.goto('/admin/providers/provider?provider=campus');
      await page.getByRole('checkbox', { name: t('admin-providers-enabled-means') }).uncheck();
      await press(page, t('admin-save'));
      await expect(page.getByRole('status')).toHaveText(t('admin-saved'));
    },
  },
  { name: 'administration: resource servers', open: page => signedInAt(page, '/admin/resources') },
  { name: 'administration: resource servers, add', open: page => signedInAt(page, '/admin/resources/add') },
  { name: 'administration: people', open: page => signedInAt(page, '/admin/people') },
  { name: 'administration: people, one', open: page => signedInAt(page, '/admin/people/person?user=testuser1') },
  { name: 'administration: delegations', open: page => signedInAt(page, '/admin/delegations') },
  {
    name: 'administration: keys',
    open: async (page, portal) => {
      // Links of neighbouring rows are near one another.
      await makeKeys(portal, 3);
      await signedInAt(page, '/admin/keys');
    },
  },
  { name: 'administration: record', open: page => signedInAt(page, '/admin/activity') },
  { name: 'administration: policy', open: page => signedInAt(page, '/admin/policy') },
  { name: 'settings', open: page => page.goto('/settings') },
  { name: 'API documentation', open: page => page.goto('/docs/api') },
  { name: 'not found', open: page => page.goto('/no-such-page') },
];

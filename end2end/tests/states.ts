// Every page in every state, and the steps to it: for the accessibility tests and the screenshots.
import { Device } from './device.ts';
import { allow, asked, codeField, enterCode, expect, heading, type Page, press, signedIn, signIn } from './fixtures.ts';
import { Host } from './host.ts';
import { t, textLike } from './i18n.ts';
import { addProvider, Institution } from './institution.ts';
import { makeKeys } from './machines.ts';
import type { Portal } from './portal.ts';

export interface State {
  name: string;
  reach: (page: Page, portal: Portal) => Promise<unknown>;
}

async function signedInAt(page: Page, path: string) {
  await signedIn(page);
  await page.goto(path);
}

export const STATES: State[] = [
  { name: 'home, signed out', reach: page => page.goto('/') },
  {
    name: 'home, signed in',
    reach: async page => {
      await signedIn(page);
      await page.goto('/');
    },
  },
  {
    name: 'home, a request waits',
    reach: async (page, portal) => {
      await asked(page, portal);
      await page.goto('/');
    },
  },
  { name: 'code, empty', reach: page => page.goto('/device') },
  { name: 'code, refused', reach: page => enterCode(page, 'WDJB-MJ') },
  { name: 'sign-in', reach: page => page.goto('/sign-in') },
  {
    name: 'sign-in, with a code',
    reach: async (page, portal) => enterCode(page, (await Device.start(portal)).code),
  },
  {
    name: 'sign-in, refused',
    reach: async page => {
      await page.goto('/sign-in');
      await signIn(page, 'wrong');
    },
  },
  { name: 'consent', reach: asked },
  {
    name: 'consent, refused',
    reach: async (page, portal) => {
      await asked(page, portal);
      await press(page, t('consent-allow'));
      await expect(page.getByRole('alert')).toBeVisible();
    },
  },
  {
    name: 'result, waiting',
    reach: async (page, portal) => {
      await asked(page, portal);
      await allow(page);
    },
  },
  {
    name: 'result, picked up',
    reach: async (page, portal) => {
      const device = await asked(page, portal);
      await allow(page);
      await device.poll();
      await page.reload();
    },
  },
  {
    name: 'result, denied',
    reach: async (page, portal) => {
      await asked(page, portal);
      await press(page, t('consent-deny'));
      await expect(heading(page)).toHaveText(t('result-denied'));
    },
  },
  {
    name: 'result, taken back',
    reach: async (page, portal) => {
      await asked(page, portal);
      await allow(page);
      await press(page, t('result-revoke'));
      await expect(heading(page)).toHaveText(t('result-revoked'));
    },
  },
  {
    name: 'result, nothing',
    reach: async page => {
      await signedIn(page);
      await page.goto('/device/result');
    },
  },
  { name: 'report', reach: page => page.goto('/device/report') },
  {
    name: 'report, refused',
    reach: async page => {
      await page.goto('/device/report');
      await press(page, t('report-button'));
      await expect(page.getByRole('alert')).toBeVisible();
    },
  },
  {
    name: 'report, thanks',
    reach: async (page, portal) => {
      await page.goto('/device/report');
      await codeField(page).fill((await Device.start(portal)).code);
      await press(page, t('report-button'));
      await expect(heading(page)).toHaveText(t('report-thanks'));
    },
  },
  {
    name: 'hosts',
    reach: async page => {
      await signedIn(page);
      await page.goto('/hosts');
    },
  },
  {
    name: 'sessions',
    reach: async page => {
      await signedIn(page);
      await page.request.post('/api/sessions/end-others', { form: { form_account: 'test/testuser1' } });
      // The first session stays, but no browser has it.
      await page.context().clearCookies();
      await signedIn(page);
      await page.goto('/sessions');
    },
  },
  { name: 'ways to sign in, none', reach: page => signedInAt(page, '/identities') },
  { name: 'password', reach: page => signedInAt(page, '/identities/password') },
  { name: 'hosts, none', reach: page => signedInAt(page, '/hosts?q=none') },
  { name: 'link, empty', reach: page => signedInAt(page, '/hosts/link') },
  {
    name: 'link, question',
    reach: async (page, portal) => {
      const account = await (await Host.start(page, portal)).ask('jd');
      await page.goto('/hosts/link');
      await codeField(page).fill(account.code);
      await press(page, t('device-continue'));
      await expect(heading(page)).toHaveText(textLike('link-question', { account: 'jd', host: /host-.+/ }));
    },
  },
  { name: 'keys, none', reach: page => signedInAt(page, '/keys?q=none') },
  {
    name: 'keys',
    reach: async (page, portal) => {
      await makeKeys(portal, 1);
      await signedInAt(page, '/keys');
    },
  },
  { name: 'keys, a question', reach: page => signedInAt(page, '/keys/revoke-everything') },
  { name: 'keys, add', reach: page => signedInAt(page, '/keys/add') },
  {
    name: 'keys, add, refused',
    reach: async page => {
      await signedInAt(page, '/keys/add');
      await page.getByLabel(t('keys-add-key'), { exact: true }).fill('nonsense');
      await press(page, t('keys-add-button'));
      await expect(page.getByRole('alert')).toBeVisible();
    },
  },
  { name: 'applications', reach: page => signedInAt(page, '/apps') },
  { name: 'activity', reach: page => signedInAt(page, '/activity') },
  { name: 'sign-in, again', reach: page => signedInAt(page, '/sign-in?again=1&then=/admin') },
  { name: 'administration', reach: page => signedInAt(page, '/admin') },
  { name: 'administration: clients', reach: page => signedInAt(page, '/admin/clients') },
  { name: 'administration: clients, add', reach: page => signedInAt(page, '/admin/clients/add') },
  { name: 'administration: clients, one', reach: page => signedInAt(page, '/admin/clients/client?client=testclient1') },
  { name: 'administration: hosts', reach: page => signedInAt(page, '/admin/hosts') },
  { name: 'administration: hosts, one', reach: page => signedInAt(page, '/admin/hosts/host?host=testhost1') },
  { name: 'administration: providers', reach: page => signedInAt(page, '/admin/providers') },
  { name: 'administration: providers, add', reach: page => signedInAt(page, '/admin/providers/add') },
  {
    name: 'administration: providers, one',
    reach: async (page, portal) => {
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
  { name: 'administration: people', reach: page => signedInAt(page, '/admin/people') },
  { name: 'administration: people, one', reach: page => signedInAt(page, '/admin/people/person?user=testuser1') },
  { name: 'administration: delegations', reach: page => signedInAt(page, '/admin/delegations') },
  { name: 'administration: keys', reach: page => signedInAt(page, '/admin/keys') },
  { name: 'administration: record', reach: page => signedInAt(page, '/admin/activity') },
  { name: 'administration: policy', reach: page => signedInAt(page, '/admin/policy') },
  { name: 'time zone', reach: page => page.goto('/time-zone') },
  { name: 'API documentation', reach: page => page.goto('/docs/api') },
  { name: 'not found', reach: page => page.goto('/no-such-page') },
];

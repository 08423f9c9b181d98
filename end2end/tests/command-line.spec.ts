// The real `tms` with the real server, approved in a real browser.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, allow, enterCode, expect, heading, pickedUp, press, signedIn } from './fixtures.ts';
import { t } from './i18n.ts';
import { TMS } from './portal.ts';

type Run = { code: number; stdout: string; stderr: string };
type Running = { says: (what: RegExp) => Promise<RegExpExecArray>; ends: () => Promise<Run> };

const test = base.extend<{ tms: (...words: string[]) => Running }>({
  tms: async ({ portal }, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'tms-'));
    const env = { ...process.env, TMS_CONFIG_DIR: folder, TMS_SERVER: '', TMS_TENANT: '', NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' };
    const { TMS_SERVER: _, TMS_TENANT: __, ...clean } = env;
    const started: ReturnType<typeof spawn>[] = [];
    await use((...words) => {
      const child = spawn(TMS, words, { env: clean, stdio: ['ignore', 'pipe', 'pipe'] });
      started.push(child);
      const ended = once(child, 'close');
      const run = { stdout: '', stderr: '' };
      child.stdout.on('data', chunk => (run.stdout += chunk));
      child.stderr.on('data', chunk => (run.stderr += chunk));
      return {
        says: what =>
          new Promise((found, failed) => {
            const look = () => {
              const match = what.exec(run.stdout + run.stderr);
              if (match) found(match);
            };
            child.stdout.on('data', look);
            child.stderr.on('data', look);
            child.on('close', () => failed(new Error(`ended without saying ${what}:\n${run.stdout}${run.stderr}`)));
            look();
          }),
        ends: async () => ({ code: (await ended)[0] as number, ...run }),
      };
    });
    for (const child of started) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
    expect(portal).toBeTruthy();
  },
});

const CODE = /[B-Z]{4}-[B-Z]{4}/;

test('login, whoami, hosts and logout work until revoked', async ({ page, portal, tms }) => {
  const login = tms('login', '--server', portal.url, '--tenant', 'test');
  await login.says(new RegExp(`${portal.url}/device`));
  const [code] = await login.says(CODE);
  await signedIn(page);
  await enterCode(page, code);
  await expect(heading(page)).toHaveText(t('consent-question', { client: 'TMS command line' }));
  await expect(page.getByText(t('client-any-program'))).toBeVisible();
  await allow(page);
  expect(await login.ends()).toMatchObject({ code: 0, stdout: expect.stringContaining('as testuser1') });
  await expect(page.getByRole('status')).toHaveText(pickedUp);

  expect(await tms('whoami').ends()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^testuser1\n/) });
  expect(await tms('hosts').ends()).toMatchObject({ code: 0, stdout: expect.stringMatching(/testhost1 +testhostaccount1 +active/) });

  // Revoking it in the browser takes effect immediately.
  await press(page, t('result-revoke'));
  await expect(heading(page)).toHaveText(t('result-revoked'));
  expect(await tms('whoami').ends()).toMatchObject({ code: 6 });

  expect(await tms('logout').ends()).toMatchObject({ code: 0 });
  expect(await tms('whoami').ends()).toMatchObject({ code: 3 });
});

test('logout revokes the sign-in', async ({ page, portal, tms }) => {
  const login = tms('login', '--json', '--server', portal.url, '--tenant', 'test');
  const [code] = await login.says(CODE);
  await signedIn(page);
  await enterCode(page, code);
  await allow(page);
  const run = await login.ends();
  const events = run.stdout.trim().split('\n').map(line => JSON.parse(line));
  expect(events).toMatchObject([
    { event: 'code', user_code: code, verification_uri: `${portal.url}/device`, interval: 5 },
    { event: 'signed_in', tms_user_id: 'testuser1', tenant: 'test' },
  ]);
  expect(run.code).toBe(0);
  expect(JSON.parse((await tms('logout', '--json').ends()).stdout)).toMatchObject({ signed_in: false, revoked: true });
  expect(await tms('hosts').ends()).toMatchObject({ code: 3 });
});

test('a denied login ends with exit code 4', async ({ page, portal, tms }) => {
  const login = tms('login', '--server', portal.url, '--tenant', 'test');
  const [code] = await login.says(CODE);
  await signedIn(page);
  await enterCode(page, code);
  await press(page, t('consent-deny'));
  expect(await login.ends()).toMatchObject({ code: 4, stdout: '' });
});

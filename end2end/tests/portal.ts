// The real server, on its own port and with its own data.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

export const TOP = resolve(import.meta.dirname ?? '.', '../..');
const DEBUG = join(process.env.CARGO_TARGET_DIR ?? join(TOP, 'target'), 'debug');
export const TMS = join(DEBUG, 'tms');
const SERVER = join(DEBUG, 'tms-portal');
const STARTS_WITHIN = 20_000;
const STOPS_WITHIN = 15_000;

/** The test tenant's only person, and the test data's client. */
export const PERSON = { tenant: 'test', userName: 'testuser1', displayName: 'Test User', password: 'correct-horse-battery' };
export const CLIENT = { id: 'testclient1', secret: 'secret1', name: 'testapp1' };

/** `tms-portal COMMAND…` for the same data, before the server starts. */
export type Operator = ((...words: string[]) => Promise<string>) & {
  data: string;
  /** With standard input. */
  with: (input: string, ...words: string[]) => Promise<string>;
};

/** Prepares the data before a server starts at this URL. */
export type Prepare = (operator: Operator, url: string) => Promise<unknown>;

export class Portal {
  private log = '';

  private constructor(readonly url: string, private readonly folder: string, private readonly server: ChildProcess) {
    for (const stream of [server.stdout, server.stderr]) stream?.on('data', chunk => (this.log += chunk));
  }

  /** Starts one with this host name or IP address. */
  static async start(prepare?: Prepare, host = '127.0.0.1'): Promise<Portal> {
    const folder = await mkdtemp(join(tmpdir(), 'tms-portal-'));
    const config = join(folder, 'Leptos.toml');
    await copyFile(join(TOP, 'Leptos.toml'), config);
    // The tests request more codes per minute than people. The limits on guessing are unchanged.
    // Administrators may add the identity providers that tests start on this machine.
    await appendFile(config, '\n[portal.limits]\ndevice-requests = 6000\npages = 60000\n[portal.providers]\nnetworks = ["127.0.0.0/8"]\n');
    const port = await freePort();
    const url = `http://${host}:${port}`;
    const data = ['--config', config, '--data-dir', join(folder, 'data')];
    const settings = [...data, '--test-tenant', '--listen', `127.0.0.1:${port}`, '--public-url', url];
    const options = { cwd: TOP, env: { ...process.env, TMS_TEST_PASSWORD: PERSON.password } };
    if (prepare) {
      const given = async (input: string, ...words: string[]) => {
        const running = promisify(execFile)(SERVER, [...words, ...data], options);
        running.child.stdin?.end(input);
        return (await running).stdout;
      };
      const operator: Operator = Object.assign((...words: string[]) => given('', ...words), { data: join(folder, 'data'), with: given });
      await operator('init', '--test-tenant');
      await prepare(operator, url);
    }
    const portal = new Portal(url, folder, spawn(SERVER, ['serve', ...settings], options));
    await portal.becomesReady();
    return portal;
  }

  /** Stops it as `systemctl stop` does; it must exit by itself with code 0. */
  async stop(): Promise<void> {
    const ended = this.server.exitCode === null ? once(this.server, 'exit') : Promise.resolve([this.server.exitCode]);
    this.server.kill('SIGTERM');
    const late = new AbortController();
    const code = await Promise.race([ended.then(([code]) => code), wait(STOPS_WITHIN, 'late', { signal: late.signal }).catch(() => 'late')]);
    late.abort();
    if (code === 'late') this.server.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the server ended with ${code}, not 0:\n${this.log}`);
  }

  private async becomesReady(): Promise<void> {
    const until = Date.now() + STARTS_WITHIN;
    while (Date.now() < until && this.server.exitCode === null) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      await wait(25);
    }
    const { exitCode, signalCode } = this.server;
    this.server.kill('SIGKILL');
    const how = exitCode === null && signalCode === null ? `did not become ready within ${STARTS_WITHIN} ms` : `ended with ${exitCode ?? signalCode}`;
    throw new Error(`the server ${how}; is it built (make build)?\n${this.log}`);
  }
}

/** Below the ephemeral range, so that no connection gets it before the server listens; each worker has its own part, and takes each once. */
async function freePort(): Promise<number> {
  const [lowest, each] = [20_000, 3_000];
  const first = lowest + (Number(process.env.TEST_PARALLEL_INDEX ?? 0) % 4) * each;
  while (portsTaken < each) {
    const port = first + ((process.pid * 97 + portsTaken++) % each);
    const probe = createServer().listen(port, '127.0.0.1');
    const free = await once(probe, 'listening').then(() => true, () => false);
    if (!free) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
  throw new Error('no port is free');
}

let portsTaken = 0;

// An application in the browser that signs people in with the portal: RFC 6749 §4.1 with PKCE, without a library.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type Page } from '@playwright/test';
import { signedIn } from './fixtures.ts';
import type { Operator, Portal } from './portal.ts';
import type { Watch } from './watch.ts';

export const HUB = { id: 'hub', name: 'Hub' };
/** Registered without a port: any port matches (RFC 8252 §7.3). */
const CALLBACK_PATH = '/cb';
const SCOPE = 'openid profile hosts:read keys:create';

/** What the application was sent. */
type Answer = Record<string, string>;

export class Application {
  private readonly verifier = randomBytes(32).toString('base64url');

  private constructor(private readonly server: Server, readonly url: string, private readonly received: Answer[]) {}

  /** Registers the client before the portal starts; returns its secret. */
  static async registered(operator: Operator): Promise<string> {
    const given = ['--grant-types', 'authorization_code', '--redirect-uris', `http://127.0.0.1${CALLBACK_PATH}`, '--scope', SCOPE];
    const said = await operator('client', 'add', '--tenant', 'test', '--app-name', HUB.name, ...given, HUB.id);
    // The secret is the last line.
    return said.trim().split('\n').at(-1)?.trim() ?? '';
  }

  /** Starts its web server. `onward`: it redirects to another site when people return. */
  static async start(onward = false): Promise<Application> {
    const received: Answer[] = [];
    const server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://app');
      if (pathname === CALLBACK_PATH) {
        received.push({ ...Object.fromEntries(searchParams), referer: request.headers.referer ?? '' });
        if (onward) return void response.writeHead(302, { location: `http://localhost:${port}/home` }).end();
      }
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><link rel="icon" href="data:,"><title>Hub</title><h1>Welcome</h1>');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return new Application(server, `http://127.0.0.1:${port}`, received);
  }

  /** The address of a request on the portal. */
  request(portal: Portal, changes: Answer = {}): string {
    const challenge = createHash('sha256').update(this.verifier).digest('base64url');
    const parameters = { response_type: 'code', client_id: HUB.id, redirect_uri: this.url + CALLBACK_PATH, scope: SCOPE, state: 'first' };
    const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
    return `${portal.url}/t/test/oauth/authorize?${new URLSearchParams({ ...parameters, ...pkce, ...changes })}`;
  }

  /** Waits until the page is the application's; the last answer that it was sent. */
  async returned(page: Page): Promise<Answer> {
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Welcome');
    const answer = this.received.at(-1);
    if (!answer) throw new Error(`nobody returned: ${page.url()}`);
    return answer;
  }

  async redeem(portal: Portal, secret: string, code: string): Promise<Record<string, string>> {
    const form = { grant_type: 'authorization_code', code, redirect_uri: this.url + CALLBACK_PATH, code_verifier: this.verifier };
    const response = await fetch(`${portal.url}/t/test/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${HUB.id}:${secret}`)}` },
      body: new URLSearchParams(form),
    });
    return (await response.json()) as Record<string, string>;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Registers the client on a running portal as an administrator does, and opens a request of it. */
export async function openRequest(page: Page, portal: Portal, changes: Answer = {}): Promise<void> {
  await signedIn(page);
  const post = (action: string, fields: string[][]) =>
    page.request.post(`/api/admin/clients/${action}`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      data: new URLSearchParams([['form_account', 'test/testuser1'], ['client', HUB.id], ...fields]).toString(),
    });
  const scopes = SCOPE.split(' ').map(scope => ['scope[]', scope]);
  await post('add', [['app_name', HUB.name], ['app_version', '1'], ['grant_type[]', 'authorization_code'], ...scopes]);
  const settings = await (await page.request.get(`/admin/clients/client?client=${HUB.id}`)).text();
  const seen = /name="seen" value="(\d+)"/.exec(settings)?.[1] ?? '';
  await post('addresses', [['seen', seen], ['redirect_uris', `http://127.0.0.1${CALLBACK_PATH}`]]);
  const application = await Application.start();
  await page.goto(application.request(portal, changes));
  await application.stop();
}

/** The application is elsewhere, and has pages of its own. */
export function forgive(watch: Watch): void {
  watch.forgive(/request to elsewhere: http:\/\/(127\.0\.0\.1|localhost):/);
}

// A certified OpenID provider (node-oidc-provider) with its own pages.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import { type BrowserContext, expect, type Page } from '@playwright/test';
import { t } from './i18n.ts';
import type { Operator } from './portal.ts';
import type { Watch } from './watch.ts';

const SECRET = 'between-portal-and-institution';

/** Its pages load external fonts, and their behaviour is not under test. */
export const withoutFonts = (context: BrowserContext) => context.route(/fonts\.googleapis\.com/, route => route.abort());

export function forgive(watch: Watch): void {
  watch.forgive(/request to elsewhere: (http:\/\/127\.0\.0\.1:|https:\/\/fonts\.googleapis\.com)/);
  watch.forgive(/console error: Failed to load resource: net::ERR_FAILED .*fonts\.googleapis\.com/);
}

export class Institution {
  private constructor(readonly url: string, private readonly server: Server, private readonly provider: Provider) {}

  /** Starts one and adds it to the portal at this URL as Campus; `words` are further options. */
  static async added(operator: Operator, portal: string, ...words: string[]): Promise<Institution> {
    const institution = await Institution.start(portal);
    const campus = ['--tenant', 'test', '--base', institution.url, '--client-id', 'portal', '--display-name', 'Campus', '--secret-from-stdin'];
    await operator.with(SECRET, 'idp', 'add', ...campus, ...words, 'campus');
    return institution;
  }

  /** Starts one that has one client, the portal at this URL, and accepts any user name. */
  static async start(portal: string): Promise<Institution> {
    let answer: ReturnType<Provider['callback']> | undefined;
    const server = createServer((request, response) => void answer?.(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = new Provider(url, {
      clients: [
        {
          client_id: 'portal',
          client_secret: SECRET,
          redirect_uris: [`${portal}/sign-in/back/test/campus`],
          post_logout_redirect_uris: [`${portal}/signed-out`],
          backchannel_logout_uri: `${portal}/sign-in/ended/test/campus`,
          backchannel_logout_session_required: true,
          subject_type: 'pairwise',
        },
      ],
      claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'] },
      features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
      // Its own fetch refuses loopback URLs such as the portal's.
      fetch: (url: URL, { dispatcher: _, ...options }: RequestInit & { dispatcher?: unknown }) => fetch(url, options),
      findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, name: `Dr. ${id}`, preferred_username: id }) }),
      pairwiseIdentifier: (_: unknown, id: string) => `pairwise-${id}`,
      jwks: { keys: [{ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), kid: 'only', alg: 'RS256', use: 'sig' }] },
      pkce: { required: () => true },
      subjectTypes: ['pairwise'],
      ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    });
    answer = provider.callback();
    return new Institution(url, server, provider);
  }

  /** The URL at which a person signs out there. */
  get signOut(): string {
    return `${this.url}/session/end`;
  }

  /** Resolves when the portal has accepted a logout token. */
  acceptedLogout(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.provider.once('backchannel.success', resolve);
      this.provider.once('backchannel.error', (_: unknown, error: Error) => reject(error));
    });
  }

  /** Signs in on its pages. */
  async signIn(page: Page, name: string): Promise<void> {
    await page.locator('input[name=login]').fill(name);
    await page.locator('input[name=password]').fill('whatever');
    await page.locator('button[type=submit]').click();
    await expect(page.locator('input[name=login]')).toHaveCount(0);
    // Its consent page.
    await page.locator('button[type=submit]').click();
  }

  /** Cancels on its pages. */
  async cancel(page: Page): Promise<void> {
    await page.locator('a[href$="/abort"]').click();
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Fills in the administrators' form for a provider. */
export async function addProvider(page: Page, institution: Institution) {
  await page.getByLabel(t('admin-providers-id')).fill('campus');
  await page.getByLabel(t('admin-providers-name')).fill('Campus');
  await page.getByLabel(t('admin-providers-base')).fill(institution.url);
  await page.getByLabel(t('admin-providers-client-id')).fill('portal');
  await page.getByLabel(t('admin-providers-secret')).fill(SECRET);
  await page.getByRole('button', { name: t('admin-providers-add-button') }).click();
}

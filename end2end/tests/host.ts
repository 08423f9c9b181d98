// A host with a credential that requests links for its accounts.
import { type Page, signedIn } from './fixtures.ts';
import type { Portal } from './portal.ts';

let made = 0;

export class Host {
  private constructor(private readonly portal: Portal, readonly name: string, private readonly credential: string) {}

  /** Added by the test person, an administrator, who stays signed in. */
  static async start(page: Page, portal: Portal): Promise<Host> {
    const name = `host-${process.pid}-${made++}`;
    await signedIn(page);
    await page.request.post('/api/admin/hosts/add', { form: { form_account: 'test/testuser1', host: name, address: '192.0.2.1' } });
    const answer = await page.request.post('/api/admin/hosts/credential', { form: { form_account: 'test/testuser1', host: name } });
    const credential = /\b[0-9a-f]{48}\b/.exec(await answer.text())?.[0];
    if (!credential) throw new Error(`no credential: ${answer.status()}`);
    return new Host(portal, name, credential);
  }

  async ask(user: string): Promise<Account> {
    const asked = await this.post('', { user, user_uid: '1001' });
    return new Account(asked.user_code, async () => (await this.post('/status', { link_id: asked.link_id })).status);
  }

  private async post(path: string, body: Record<string, string>): Promise<Record<string, string>> {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${this.credential}` };
    const answer = await fetch(`${this.portal.url}/v1/tms/links${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`links${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Record<string, string>;
  }
}

class Account {
  constructor(readonly code: string, readonly status: () => Promise<string>) {}
}

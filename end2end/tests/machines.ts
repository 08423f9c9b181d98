// Requests of clients to the TMS API.
import { CLIENT, type Operator, PERSON, type Portal } from './portal.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Keys that the test data's client creates for the test person. */
export async function makeKeys(portal: Portal, count: number, changes: Record<string, number> = {}): Promise<void> {
  const headers = { ...JSON_TYPE, 'X-TMS-TENANT': PERSON.tenant, 'X-TMS-CLIENT-ID': CLIENT.id, 'X-TMS-CLIENT-SECRET': CLIENT.secret };
  const params = { client_user_id: PERSON.userName, host: 'testhost1', host_account: 'testhostaccount1', num_uses: 5, ttl_minutes: 600, ...changes };
  for (let n = 0; n < count; n++) {
    const answer = await fetch(`${portal.url}/v1/tms/pubkeys/creds`, { method: 'POST', headers, body: JSON.stringify(params) });
    if (answer.status !== 201) throw new Error(`no key: ${answer.status} ${await answer.text()}`);
  }
}

/** The secret of a new administrator of the TMS API, for tests that link host accounts. */
export async function apiAdmin(operator: Operator): Promise<string> {
  const secret = /\b[A-Za-z0-9_-]{32,}\b/.exec(await operator('admin', 'add', '--tenant', PERSON.tenant, 'tests'))?.[0];
  if (!secret) throw new Error('no secret');
  return secret;
}

/** Links accounts on these hosts to the test person. */
export async function linkAccounts(portal: Portal, secret: string, hosts: string[]): Promise<void> {
  const headers = { ...JSON_TYPE, 'X-TMS-TENANT': PERSON.tenant, 'X-TMS-ADMIN-ID': 'tests', 'X-TMS-ADMIN-SECRET': secret };
  for (const host of hosts) {
    const body = JSON.stringify({ tenant: PERSON.tenant, tms_user_id: PERSON.userName, host, host_account: 'jdoe', ttl_minutes: -1 });
    const answer = await fetch(`${portal.url}/v1/tms/userhosts`, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`no link: ${answer.status} ${await answer.text()}`);
  }
}

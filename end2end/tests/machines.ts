// Requests of clients to the TMS API.
import { CLIENT, PERSON, type Portal } from './portal.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Keys that the test data's client creates for the test person. */
export async function makeKeys(portal: Portal, count: number): Promise<void> {
  const headers = { ...JSON_TYPE, 'X-TMS-TENANT': PERSON.tenant, 'X-TMS-CLIENT-ID': CLIENT.id, 'X-TMS-CLIENT-SECRET': CLIENT.secret };
  const params = { client_user_id: PERSON.userName, host: 'testhost1', host_account: 'testhostaccount1', num_uses: 5, ttl_minutes: 600 };
  for (let n = 0; n < count; n++) {
    const answer = await fetch(`${portal.url}/v1/tms/pubkeys/creds`, { method: 'POST', headers, body: JSON.stringify(params) });
    if (answer.status !== 201) throw new Error(`no key: ${answer.status} ${await answer.text()}`);
  }
}

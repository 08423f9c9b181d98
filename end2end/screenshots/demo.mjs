// Fills a portal that runs with `--test-tenant` with realistic data: for pictures and reviews.
const TENANT = 'test';
const PERSON = 'testuser1';
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code';
const HOURS = 60;
const DAYS = 24 * HOURS;

const HOSTS = [
  ['frontera.tacc.utexas.edu', 'jdoe'],
  ['ls6.tacc.utexas.edu', 'jdoe'],
  ['stampede3.tacc.utexas.edu', 'jdoe'],
  ['vista.tacc.utexas.edu', 'jdoe'],
  ['corral.tacc.utexas.edu', 'jane_doe'],
];
const CLIENTS = [
  { id: 'jupyterhub', name: 'JupyterHub', version: '5.2', verified: true, days: 30, hosts: [0, 1], keys: 9, used: [0, 3] },
  { id: 'designsafe', name: 'DesignSafe', version: '4.1', verified: true, days: 90, hosts: [1, 2], keys: 12, used: [2] },
  { id: 'galaxy', name: 'Galaxy', version: '25.0', verified: false, days: 5, hosts: [3], keys: 5, used: [] },
  { id: 'tapis-jobs', name: 'Tapis Jobs', version: '1.8', verified: true, days: 365, hosts: [0, 2, 4], keys: 8, used: [1] },
];
const PEOPLE = ['asmith', 'blee', 'cgarcia', 'dkim', 'echen', 'fmueller', 'gpatel', 'hrossi', 'inguyen', 'jwhite', 'kbrown', 'lsilva'];
const TERMINALS = ['tms/0.2.0 (login1.frontera; Linux)', 'tms/0.2.0 (laptop; macOS)'];

/**
 * @param {string} url the portal
 * @param {(...words: string[]) => Promise<string>} operator runs `tms-portal` for its data
 * @param {import('@playwright/test').Page} page its browser is signed in as the test person afterwards
 * @param {string} password of the test person
 */
export async function fill(url, operator, page, password) {
  const secret = /\b[A-Za-z0-9_-]{32,}\b/.exec(await operator('admin', 'add', '--tenant', TENANT, 'demo'))?.[0];
  const admin = { 'X-TMS-TENANT': TENANT, 'X-TMS-ADMIN-ID': 'demo', 'X-TMS-ADMIN-SECRET': secret };
  const call = async (path, body, headers = admin) => {
    const answer = await fetch(`${url}/v1/tms/${path}`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ tenant: TENANT, ...body }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };

  for (const [n, [host, account]] of HOSTS.entries()) {
    await call('hosts', { host, addr: `192.0.2.${n + 10}` });
    if (n % 2 === 0) await call('hosts/credential', { host, required: false });
    await call('userhosts', { tms_user_id: PERSON, host, host_account: account, ttl_minutes: n === 3 ? 4 * DAYS : -1 });
  }
  for (const [n, person] of PEOPLE.entries()) {
    await operator('person', 'add', '--tenant', TENANT, '--display-name', person.replace(/^./, letter => `${letter.toUpperCase()}. `), person);
    await call('usermfa', { tms_user_id: person, ttl_minutes: n % 3 ? -1 : 10 * DAYS });
    await call('userhosts', { tms_user_id: person, host: HOSTS[n % HOSTS.length][0], host_account: person, ttl_minutes: -1 });
  }
  for (const { id, name, version, verified, days, hosts, keys, used } of CLIENTS) {
    const { client_secret } = await call('client', { client_id: id, app_name: name, app_version: version });
    await operator('client', 'set', '--tenant', TENANT, '--device-grant', 'true', '--verified', String(verified), '--scope', 'hosts:read keys:read keys:create', id);
    await call('delegations', { client_id: id, client_user_id: PERSON, ttl_minutes: days * DAYS });
    await call('delegations', { client_id: id, client_user_id: PEOPLE[0], ttl_minutes: days * DAYS });
    const client = { 'X-TMS-TENANT': TENANT, 'X-TMS-CLIENT-ID': id, 'X-TMS-CLIENT-SECRET': client_secret };
    for (let n = 0; n < keys; n++) {
      const [host, account] = HOSTS[hosts[n % hosts.length]];
      const lifetime = { client_user_id: PERSON, host, host_account: account, num_uses: n % 4 === 3 ? 1 : -1, ttl_minutes: n % 3 ? 30 * DAYS : 8 * HOURS };
      const key = await call('pubkeys/creds', lifetime, client);
      const fingerprint = key.public_key_fingerprint;
      if (used.includes(n)) await call('pubkeys/creds/retrieve', { user: account, host, public_key_fingerprint: fingerprint }, {});
    }
    if (id === 'jupyterhub' || id === 'tapis-jobs') {
      for (const agent of ['python-requests/2.32', 'JupyterHub/5.2 (hub.example.org)']) await device(id, client_secret, agent);
    }
  }
  for (const agent of TERMINALS) await device('tms-cli', '', agent);

  /** A device of this client, allowed by the test person. */
  async function device(id, client_secret, agent) {
    const ask = async (endpoint, form) => {
      const credentials = client_secret ? { authorization: `Basic ${btoa(`${id}:${client_secret}`)}` } : {};
      const body = new URLSearchParams({ ...form, ...(client_secret ? {} : { client_id: id }) });
      return (await fetch(`${url}/t/${TENANT}/oauth/${endpoint}`, { method: 'POST', headers: { ...credentials, 'user-agent': agent }, body })).json();
    };
    const { user_code, device_code } = await ask('device_authorization', { scope: 'hosts:read keys:create' });
    await signIn();
    await page.goto(`${url}/device`);
    await page.locator('#main input[type=text]').fill(user_code);
    await page.locator('#main form button').first().click();
    await page.locator('input[name=started_this]').check();
    await page.locator('button[value=allow]').click();
    await page.waitForURL(/result/);
    await ask('token', { grant_type: GRANT_TYPE, device_code });
  }

  async function signIn() {
    await page.request.post(`${url}/sign-in/password`, { form: { tenant: TENANT, user_name: PERSON, password }, headers: { origin: url } });
  }
}

// A third-party client: openid-client, certified by the OpenID Foundation.
import * as client from 'openid-client';
import { allow, enterCode, expect, press, signedIn, test } from './fixtures.ts';
import { t } from './i18n.ts';
import { CLIENT, type Portal } from './portal.ts';

const me = (portal: Portal) => new URL(`${portal.url}/v1/tms/me`);

async function discovered(portal: Portal, algorithm: 'oauth2' | 'oidc') {
  return client.discovery(new URL(`${portal.url}/t/test`), CLIENT.id, undefined, client.ClientSecretBasic(CLIENT.secret), {
    execute: [client.allowInsecureRequests],
    algorithm,
  });
}

for (const algorithm of ['oauth2', 'oidc'] as const) {
  test(`discovery by ${algorithm} leads to a token that can be revoked`, async ({ page, portal }) => {
    const config = await discovered(portal, algorithm);
    const asked = await client.initiateDeviceAuthorization(config, { scope: 'hosts:read' });
    const waiting = client.pollDeviceAuthorizationGrant(config, asked);
    await signedIn(page);
    await enterCode(page, asked.user_code);
    await allow(page);
    const token = await waiting;
    expect(token).toMatchObject({ token_type: 'bearer', scope: 'hosts:read' });
    expect(token.expires_in).toBeGreaterThan(0);

    const answer = await client.fetchProtectedResource(config, token.access_token, me(portal), 'GET');
    expect(answer.status).toBe(200);
    expect(JSON.stringify(await answer.json())).toContain('testuser1');

    await client.tokenRevocation(config, token.access_token);
    const after = await client.fetchProtectedResource(config, token.access_token, me(portal), 'GET').catch(error => error);
    expect(after.status ?? after.response?.status).toBe(401);
  });
}

test('a denied request ends with access_denied', async ({ page, portal }) => {
  const config = await discovered(portal, 'oauth2');
  const asked = await client.initiateDeviceAuthorization(config, { scope: 'hosts:read' });
  const waiting = client.pollDeviceAuthorizationGrant(config, asked).catch(error => error);
  await signedIn(page);
  await enterCode(page, asked.user_code);
  await press(page, t('consent-deny'));
  expect(await waiting).toMatchObject({ error: 'access_denied' });
});

// Second factors: an authenticator app, and passkeys of Chromium's virtual authenticator.
import { createHmac } from 'node:crypto';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { Device } from './device.ts';
import { allow, enterCode, expect, heading, press, signedIn, signIn, signOut, test } from './fixtures.ts';
import { t } from './i18n.ts';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

// Passkeys require a host name; IP addresses are not allowed.
test.use({ alone: { host: 'localhost' } });

/** The code of an app with this secret (RFC 6238), `steps` periods from now. */
function shown(secret: string, steps = 0): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map(letter => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g)!.map(byte => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const hash = createHmac('sha1', key).update(counter).digest();
  return ((hash.readUInt32BE(hash[19] & 15) & 0x7fff_ffff) % 1_000_000).toString().padStart(6, '0');
}

/** Enrolls an app from a page that links to it; its current code has been used. */
async function setUpApp(page: Page): Promise<string> {
  await page.getByRole('link', { name: t('factors-add-app') }).click();
  await expect(page.getByRole('img', { name: t('factors-app-qr') })).toBeVisible();
  const secret = (await page.locator('.steps .copyable code').textContent())!;
  // The code of the period before is valid until this period ends: near its end, the next one is awaited.
  const left = 30_000 - (Date.now() % 30_000);
  if (left < 5_000) await page.waitForTimeout(left);
  await page.getByRole('textbox', { name: t('factors-app-code') }).fill(shown(secret, -1));
  await press(page, t('factors-app-done'));
  await expect(heading(page)).toHaveText(t('factors-recovery-title'));
  return secret;
}

/** A virtual authenticator that verifies the user. */
async function withAuthenticator(page: Page) {
  const client = await page.context().newCDPSession(page);
  await client.send('WebAuthn.enable');
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true } as const;
  const { authenticatorId } = await client.send('WebAuthn.addVirtualAuthenticator', { options: { ...options, automaticPresenceSimulation: true } });
  return { verified: (isUserVerified: boolean) => client.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }) };
}

test('@phone @look an enrolled app is required at the next sign-in', async ({ page, portal, anotherBrowser }) => {
  await signedIn(page);
  await page.goto('/identities');
  const secret = await setUpApp(page);
  await page.getByRole('link', { name: t('factors-recovery-kept') }).click();
  await expect(heading(page)).toHaveText(t('identities-title'));
  await expect(page.getByRole('heading', { name: t('factors-app') })).toBeVisible();

  const other = await anotherBrowser();
  const device = await Device.start(portal);
  await enterCode(other, device.code);
  await signIn(other);
  await expect(heading(other)).toHaveText(t('second-factor-title'));
  const field = other.getByRole('textbox', { name: t('second-factor-code') });
  await expect(field).toHaveAttribute('inputmode', 'numeric');
  await field.fill('000000');
  await press(other, t('second-factor-go-on'));
  await expect(other.getByRole('alert')).toHaveText(t('second-factor-wrong'));
  await field.fill(shown(secret));
  await press(other, t('second-factor-go-on'));
  await allow(other);
  expect(await device.poll()).toBe('token');
});

test('a recovery code works once', async ({ page, anotherBrowser }) => {
  await signedIn(page);
  await page.goto('/identities');
  await setUpApp(page);
  const code = (await page.locator('.codes code').textContent())!.split('\n')[0];
  const other = await anotherBrowser();
  await other.goto('/sign-in?tenant=test&then=/identities');
  await signIn(other);
  await expect(other.getByRole('textbox', { name: t('second-factor-recovery-code') })).toBeHidden();
  const recovery = other.getByRole('group').filter({ hasText: t('second-factor-use-recovery') });
  await other.getByText(t('second-factor-use-recovery')).click();
  await recovery.getByRole('textbox', { name: t('second-factor-recovery-code') }).fill(code.toLowerCase());
  await recovery.getByRole('button', { name: t('second-factor-go-on') }).click();
  await expect(other).toHaveURL('/identities');
  await expect(other.getByText(t('factors-recovery-left', { count: 9 }))).toBeVisible();
});

test('@js a passkey signs in, but not unverified or replayed', async ({ page, anotherBrowser }) => {
  const device = await withAuthenticator(page);
  await signedIn(page);
  await page.goto('/identities');
  await page.getByRole('link', { name: t('factors-add-passkey') }).click();
  await page.getByRole('textbox', { name: t('factors-passkey-name'), exact: true }).fill('blue key');
  await press(page, t('factors-passkey-make'));
  await expect(heading(page)).toHaveText(t('factors-recovery-title'));
  await page.getByRole('link', { name: t('factors-recovery-kept') }).click();
  await expect(page.getByRole('heading', { name: 'blue key' })).toBeVisible();
  await signOut(page);

  await page.goto('/sign-in?tenant=test&then=/keys');
  await signIn(page);
  await expect(heading(page)).toHaveText(t('second-factor-title'));
  await device.verified(false);
  await press(page, t('second-factor-passkey'));
  await expect(page.getByText(t('second-factor-passkey-failed'))).toBeVisible();
  await device.verified(true);
  const answers = page.waitForRequest(request => request.url().endsWith('/sign-in/second-factor/show'));
  await press(page, t('second-factor-passkey'));
  await expect(page).toHaveURL('/keys');

  // A response cannot be used again: neither here, nor by someone else who knows the password.
  const answer = (await answers).postData()!;
  const other = await anotherBrowser();
  await other.goto('/sign-in?tenant=test');
  await signIn(other);
  await expect(heading(other)).toHaveText(t('second-factor-title'));
  const form = Object.fromEntries(new URLSearchParams(answer));
  form.attempt = await other.locator('input[name="attempt"]').first().inputValue();
  const replayed = await other.request.post('/sign-in/second-factor/show', { form });
  expect([replayed.status(), new URL(replayed.url()).pathname]).toEqual([422, '/sign-in/second-factor']);
});

test('@js each of several tabs completes its own action', async ({ page, context }) => {
  await withAuthenticator(page);
  await signedIn(page);
  await page.goto('/identities/passkey');
  const other = await context.newPage();
  await other.goto('/identities/app');
  const secret = (await other.locator('.steps .copyable code').textContent())!;
  // Browsers ask for passkeys in the foreground tab only.
  await page.bringToFront();
  await page.getByRole('textbox', { name: t('factors-passkey-name'), exact: true }).fill('blue key');
  await press(page, t('factors-passkey-make'));
  await expect(heading(page)).toHaveText(t('factors-recovery-title'));
  await other.getByRole('textbox', { name: t('factors-app-code') }).fill(shown(secret, -1));
  await press(other, t('factors-app-done'));
  await expect(heading(other)).toHaveText(t('identities-title'));
  await expect(other.getByRole('heading', { name: t('factors-app') })).toBeVisible();

  await page.goto('/identities/passkey');
  await press(page, t('factors-passkey-make'));
  await expect(page.getByRole('alert')).toContainText(t('factors-passkey-exists'));

  await signOut(page);
  await page.goto('/sign-in?tenant=test&then=/keys');
  await signIn(page);
  await expect(heading(page)).toHaveText(t('second-factor-title'));
  await other.goto(page.url());
  await expect(heading(other)).toHaveText(t('second-factor-title'));
  await page.bringToFront();
  await press(page, t('second-factor-passkey'));
  await expect(page).toHaveURL('/keys');
  await other.reload();
  await expect(other).toHaveURL('/keys');
});

test('@js the pages about second factors are accessible', async ({ page }) => {
  const look = async () => expect((await new AxeBuilder({ page }).withTags(TAGS).analyze()).violations).toEqual([]);
  await signedIn(page);
  await page.goto('/identities/passkey');
  await look();
  await page.goto('/identities/app');
  await look();
  await page.goto('/identities');
  await setUpApp(page);
  await look();
  await page.goto('/identities');
  await look();
  await signOut(page);
  await page.goto('/sign-in?tenant=test');
  await signIn(page);
  await expect(heading(page)).toHaveText(t('second-factor-title'));
  await page.getByText(t('second-factor-use-recovery')).click();
  await look();
});

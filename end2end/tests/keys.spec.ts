// Lists: searched, filtered, paged and changed in place, or with plain links and forms.
import { openConsent, allow, hydrated, expect, heading, press, signedIn, test } from './fixtures.ts';
import { t, textLike } from './i18n.ts';
import { makeKeys } from './machines.ts';
import { CLIENT } from './portal.ts';

test.use({ alone: {} });

const rows = (page: import('@playwright/test').Page) => page.locator('.row-card');

test('@look a key is found and revoked after confirmation', async ({ page, portal, scripts }) => {
  await makeKeys(portal, 3);
  await signedIn(page);
  await page.goto('/keys');
  await expect(rows(page)).toHaveCount(3);
  await page.getByRole('link', { name: t('keys-revoke-this', { key: 'testhostaccount1@testhost1' }), exact: true }).first().click();
  await expect(page.getByRole('heading', { name: t('keys-revoke-question', { count: 1 }) })).toBeVisible();
  if (scripts) {
    await expect(page.getByRole('dialog')).toBeVisible();
    await expect(page.getByRole('dialog').getByRole('link', { name: t('cancel') })).toBeFocused();
    expect(new URL(page.url()).pathname, 'asked without leaving the page').toBe('/keys');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toBeHidden();
    await page.getByRole('link', { name: t('keys-revoke-this', { key: 'testhostaccount1@testhost1' }), exact: true }).first().click();
  }
  await press(page, t('keys-revoke-number', { count: 1 }));
  await expect(page.locator('.notice')).toHaveText(t('keys-revoked', { count: 1 }));
  await expect(rows(page)).toHaveCount(2);
});

test('@firefox selected keys are revoked together', async ({ page, portal }) => {
  await makeKeys(portal, 3);
  await signedIn(page);
  await page.goto('/keys');
  for (const checkbox of (await page.getByRole('checkbox').all()).slice(0, 2)) await checkbox.check();
  await press(page, t('keys-revoke-selected'));
  await expect(heading(page)).toHaveText(t('keys-revoke-question', { count: 2 }));
  await press(page, t('keys-revoke-number', { count: 2 }));
  await expect(rows(page)).toHaveCount(1);
});

test('groups are opened, revoked and shown as a list', async ({ page, portal }) => {
  await makeKeys(portal, 7);
  await signedIn(page);
  await page.goto('/keys');
  const group = page.locator('.key-group');
  await expect(group).toHaveCount(1);
  await expect(rows(page)).toHaveCount(5);
  await group.locator('summary').first().click();
  await expect(rows(page).first()).toBeHidden();
  await group.locator('summary').first().click();
  await rows(page).first().locator('summary').click();
  await expect(rows(page).first().getByText(/^SHA256:/)).toBeVisible();
  await group.getByRole('link', { name: t('keys-show-all-of-client', { count: 7, name: CLIENT.name }) }).click();
  await expect(rows(page)).toHaveCount(7);
  await page.getByRole('link', { name: t('keys-by-host') }).click();
  await expect(page.getByRole('heading', { name: 'testhost1', exact: true })).toBeVisible();
  await page.getByRole('link', { name: t('keys-revoke-all-of-host', { count: 7, name: 'testhost1' }) }).click();
  await expect(page.getByRole('heading', { name: t('keys-revoke-question', { count: 7 }) })).toBeVisible();
  await press(page, t('keys-revoke-number', { count: 7 }));
  await expect(page.locator('.notice')).toHaveText(t('keys-revoked', { count: 7 }));
  await expect(page.getByRole('heading', { name: t('keys-empty-title') })).toBeVisible();
});

test('a list is searched and paged by URL; Back restores it', async ({ page, portal, scripts }) => {
  await makeKeys(portal, 30);
  await signedIn(page);
  await page.goto('/keys?show=active');
  if (scripts) await hydrated(page);
  await expect(rows(page)).toHaveCount(25);
  if (scripts) await page.evaluate(() => ((window as any).stillThisPage = true));
  await page.getByRole('link', { name: t('list-more'), exact: true }).click();
  await expect(rows(page)).toHaveCount(5);
  await expect(page).toHaveURL(/after=/);
  await page.getByLabel(t('list-search')).fill('nothing like that');
  if (!scripts) await press(page, t('list-apply'));
  await expect(page.getByText(t('list-nothing-found')).first()).toBeVisible();
  await expect(page).toHaveURL(/\/keys\?q=nothing/);
  await page.goBack();
  await expect(rows(page)).toHaveCount(5);
  await page.goBack();
  await expect(rows(page)).toHaveCount(25);
  await expect(page.getByLabel(t('list-search'))).toHaveValue('');
  if (scripts) expect(await page.evaluate(() => (window as any).stillThisPage), 'all in one page').toBe(true);
  await page.goto('/keys?show=ended');
  await expect(page.getByLabel(t('list-filter'), { exact: true })).toHaveValue('ended');
});

test('@js a fingerprint is copied', async ({ page, context, portal }) => {
  await makeKeys(portal, 1);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signedIn(page);
  await page.goto('/keys');
  await hydrated(page);
  await rows(page).first().locator('summary').click();
  await page.getByRole('button', { name: t('copy') }).click();
  await expect(page.locator('.toast')).toHaveText(t('copied'));
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^SHA256:/);
});

test('@js selected keys stay selected on other pages', async ({ page, portal }) => {
  await makeKeys(portal, 30);
  await signedIn(page);
  await page.goto('/keys?show=active');
  await hydrated(page);
  await page.getByRole('checkbox').first().check();
  await page.getByRole('link', { name: t('list-more'), exact: true }).click();
  await expect(page.getByText(t('list-shown-of', { first: 26, last: 30, total: 30 })).first()).toBeVisible();
  await expect(page.getByText(t('keys-selected-elsewhere'))).toBeVisible();
  await page.getByRole('checkbox').first().check();
  await page.getByLabel(t('list-search')).fill('nothing like that');
  await expect(page.getByText(t('list-nothing-found')).first()).toBeVisible();
  await page.getByLabel(t('list-search')).fill('');
  await expect(page.getByText(t('list-shown-of', { first: 1, last: 25, total: 30 })).first()).toBeVisible();
  await expect(page.getByRole('checkbox').first()).toBeChecked();
  await press(page, t('keys-revoke-selected'));
  await expect(heading(page)).toHaveText(t('keys-revoke-question', { count: 2 }));
});

test('@js a public key is read from a file', async ({ page }) => {
  await signedIn(page);
  await page.goto('/keys/add');
  await hydrated(page);
  const line = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIErqSGC5Fd9/VWqg20dtfAYEmp4uPDSwenE5VfeMKJvA jdoe@laptop';
  await page.getByLabel(t('keys-add-file')).setInputFiles({ name: 'id.pub', mimeType: 'text/plain', buffer: Buffer.from(`${line}\n`) });
  await expect(page.getByLabel(t('keys-add-key'), { exact: true })).toHaveValue(`${line}\n`);
  await press(page, t('keys-add-button'));
  await expect(page.locator('.notice')).toHaveText(textLike('keys-added', { fingerprint: /SHA256:\S+/, host: 'testhost1' }));
  await expect(page.getByRole('heading', { name: /^jdoe@laptop/ })).toBeVisible();
});

test('@firefox an application’s access is revoked', async ({ page, portal }) => {
  const device = await openConsent(page, portal);
  await allow(page);
  await device.poll();
  await page.goto('/apps');
  await page.getByRole('link', { name: t('apps-revoke-access-of', { client: CLIENT.name }), exact: true }).click();
  await press(page, t('apps-revoke-access'));
  const revoked = [1, 2, 3, 4, 5].map(count => t('apps-access-revoked', { count }));
  const notice = (await page.locator('.notice').innerText()).trim();
  // What ended with it follows.
  expect(revoked.filter(sentence => notice.startsWith(`${sentence} `)), notice).toHaveLength(1);
  await page.goto('/activity');
  await expect(page.getByText(t('event-device-revoked-app', { app: 'testapp1' }), { exact: true }).first()).toBeVisible();
});

test('Revoke everything revokes all keys', async ({ page, portal }) => {
  await makeKeys(portal, 2);
  await signedIn(page);
  await page.goto('/keys');
  await page.getByRole('link', { name: t('keys-everything') }).click();
  await expect(heading(page)).toHaveText(t('keys-everything-question'));
  await press(page, t('keys-everything'));
  await expect(page.locator('.notice')).toHaveText(textLike('keys-everything-revoked', { keys: 2, apps: /\d+/, sessions: /\d+/ }));
});

// Several tenants on one portal, and the settings of their operators.
import { Device } from './device.ts';
import { openConsent, codeField, consentHeading, enterCode, expect, heading, passwordField, press, signedIn, test, userNameField } from './fixtures.ts';
import { t } from './i18n.ts';
import { PERSON } from './portal.ts';

test.describe('codes may be prefilled from URLs', () => {
  test.use({ alone: { prepare: operator => operator('tenant', 'set', '--tenant', 'test', '--prefill-user-code', 'true') } });

  test('the code is prefilled with a warning and not submitted', async ({ page, portal }) => {
    const device = await Device.start(portal);
    expect(device.completeAddress).toBe(`${portal.url}/device?user_code=${device.code}`);
    await page.goto(device.completeAddress ?? '');
    await expect(codeField(page)).toHaveValue(device.code);
    await expect(page.getByText(t('device-came-with-address'))).toBeVisible();
    await press(page, t('device-continue'));
    await expect(heading(page)).toHaveText(t('sign-in'));
  });
});

test('by default URLs prefill no code', async ({ page, portal }) => {
  const device = await Device.start(portal);
  expect(device.completeAddress).toBeUndefined();
  await page.goto(`/device?user_code=${device.code}`);
  await expect(codeField(page)).toHaveValue('');
});

test.describe('two tenants', () => {
  let password = '';
  test.use({
    alone: {
      prepare: async operator => {
        await operator('tenant', 'set', '--tenant', 'default', '--local-passwords', 'true', '--display-name', 'Other Centre');
        const words = await operator('person', 'add', '--tenant', 'default', '--display-name', 'Ann Other', 'ann');
        password = /password of \S+ is (\S+)/.exec(words)?.[1] ?? '';
      },
    },
  });

  test('sign-in asks for the tenant and shows only its hosts', async ({ page }) => {
    await page.goto('/sign-in');
    await expect(page.getByText(t('sign-in-where'))).toBeVisible();
    await page.getByRole('link', { name: 'Other Centre' }).click();
    await userNameField(page).fill('ann');
    await passwordField(page).fill(password);
    await press(page, t('sign-in'));
    await expect(heading(page)).toHaveText(t('home-hello', { name: 'Ann Other' }));
    await page.getByRole('link', { name: t('nav-hosts'), exact: true }).click();
    await expect(page.getByRole('heading', { name: t('hosts-empty-title') })).toBeVisible();
  });

  test('a code of the other tenant offers to switch and is kept', async ({ page, portal }) => {
    const device = await Device.start(portal);
    await signedIn(page, { ...PERSON, tenant: 'default', userName: 'ann', password });
    await enterCode(page, device.code);
    await expect(page.getByRole('alert')).toHaveText(t('code-refused-other-tenant', { tenant: 'Test' }));
    await page.getByRole('button', { name: t('device-switch-to', { tenant: 'Test' }) }).click();
    await expect(page.getByText(`${t('sign-in-account-at')} Test`)).toBeVisible();
    await userNameField(page).fill(PERSON.userName);
    await passwordField(page).fill(PERSON.password);
    await press(page, t('sign-in'));
    await expect(heading(page)).toHaveText(consentHeading);
  });
});

test.describe('two accounts in one tenant', () => {
  let password = '';
  test.use({
    alone: {
      prepare: async operator => {
        const words = await operator('person', 'add', '--tenant', 'test', '--display-name', 'Ann Other', 'ann');
        password = /password of \S+ is (\S+)/.exec(words)?.[1] ?? '';
      },
    },
  });

  test('"Use another account" keeps the code for the other one', async ({ page, portal }) => {
    await openConsent(page, portal);
    await press(page, t('consent-use-another'));
    await expect(heading(page)).toHaveText(t('sign-in'));
    await userNameField(page).fill('ann');
    await passwordField(page).fill(password);
    await press(page, t('sign-in'));
    await expect(heading(page)).toHaveText(consentHeading);
    await expect(page.getByText(`${t('consent-you-are')} Ann Other`)).toBeVisible();
  });
});

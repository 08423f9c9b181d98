// More than one centre on one portal, and what their operators may switch on.
import { Device } from './device.ts';
import { asked, codeField, enterCode, expect, heading, press, signedIn, test } from './fixtures.ts';
import { PERSON } from './portal.ts';

test.describe('an operator lets addresses fill in the code', () => {
  test.use({ alone: { prepare: operator => operator('tenant', 'set', '--tenant', 'test', '--prefill-user-code', 'true') } });

  test('the code stands in the field, with a warning, and nothing is sent', async ({ page, portal }) => {
    const device = await Device.start(portal);
    expect(device.completeAddress).toBe(`${portal.url}/device?user_code=${device.code}`);
    await page.goto(device.completeAddress ?? '');
    await expect(codeField(page)).toHaveValue(device.code);
    await expect(page.getByText('Go on only if your own device shows the same one.')).toBeVisible();
    await press(page, 'Continue');
    await expect(heading(page)).toHaveText('Sign in');
  });
});

test('otherwise the address fills in nothing', async ({ page, portal }) => {
  const device = await Device.start(portal);
  expect(device.completeAddress).toBeUndefined();
  await page.goto(`/device?user_code=${device.code}`);
  await expect(codeField(page)).toHaveValue('');
});

test.describe('two centres', () => {
  let password = '';
  test.use({
    alone: {
      prepare: async operator => {
        await operator('tenant', 'set', '--tenant', 'default', '--local-passwords', 'true', '--display-name', 'Other Centre');
        const words = await operator('person', 'add', '--tenant', 'default', '--display-name', 'Ann Other', 'ann');
        password = /password (\S+)/.exec(words)?.[1] ?? '';
      },
    },
  });

  test('sign-in asks which, and the other one’s hosts are not shown', async ({ page }) => {
    await page.goto('/sign-in');
    await expect(page.getByText('Where is your account?')).toBeVisible();
    await page.getByRole('link', { name: 'Other Centre' }).click();
    await page.getByRole('textbox', { name: 'User name' }).fill('ann');
    await page.getByLabel('Password').fill(password);
    await press(page, 'Sign in');
    await expect(heading(page)).toHaveText('Hello, Ann Other');
    await page.getByRole('link', { name: 'Hosts', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'No host account is linked to you yet' })).toBeVisible();
  });

  test('a code of the other centre offers to switch, and is kept', async ({ page, portal }) => {
    const device = await Device.start(portal);
    await signedIn(page, { ...PERSON, tenant: 'default', userName: 'ann', password });
    await enterCode(page, device.code);
    await expect(page.getByRole('alert')).toHaveText('This code belongs to Test. Switch to Test to continue.');
    await page.getByRole('button', { name: 'Switch to Test' }).click();
    await expect(page.getByText('Account at Test')).toBeVisible();
    await page.getByRole('textbox', { name: 'User name' }).fill(PERSON.userName);
    await page.getByLabel('Password').fill(PERSON.password);
    await press(page, 'Sign in');
    await expect(heading(page)).toHaveText('Let testapp1 1.0 use your account?');
  });
});

test.describe('two accounts at one centre', () => {
  let password = '';
  test.use({
    alone: {
      prepare: async operator => {
        const words = await operator('person', 'add', '--tenant', 'test', '--display-name', 'Ann Other', 'ann');
        password = /password (\S+)/.exec(words)?.[1] ?? '';
      },
    },
  });

  test('"Use another account" keeps the code for the other one', async ({ page, portal }) => {
    await asked(page, portal);
    await press(page, 'Use another account');
    await expect(heading(page)).toHaveText('Sign in');
    await page.getByRole('textbox', { name: 'User name' }).fill('ann');
    await page.getByLabel('Password').fill(password);
    await press(page, 'Sign in');
    await expect(heading(page)).toHaveText('Let testapp1 1.0 use your account?');
    await expect(page.getByText('You are Ann Other')).toBeVisible();
  });
});

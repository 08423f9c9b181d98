// From the code to the answer without a pointer.
import { Device } from './device.ts';
import { awake, codeField, expect, heading, type Page, test } from './fixtures.ts';
import { PERSON } from './portal.ts';

async function tabTo(page: Page, name: string) {
  for (let stop = 0; stop < 30; stop++) {
    await page.keyboard.press('Tab');
    const here = page.locator(':focus');
    if (await here.count()) {
      const words = await here.evaluate((element: HTMLInputElement) => element.labels?.[0]?.innerText || element.innerText || element.name);
      if (words.startsWith(name)) return;
    }
  }
  throw new Error(`Tab never came to ${name}`);
}

test('the whole flow by keyboard', async ({ page, portal }) => {
  const device = await Device.start(portal);
  await page.goto('/device');
  await awake(page);
  await expect(codeField(page)).toBeFocused();
  await page.keyboard.type(device.code.replace('-', '').toLowerCase());
  await page.keyboard.press('Enter');
  await expect(heading(page)).toHaveText('Sign in');
  await expect(page.getByRole('textbox', { name: 'User name' })).toBeFocused();
  await page.keyboard.type(PERSON.userName);
  await page.keyboard.press('Tab');
  await page.keyboard.type(PERSON.password);
  await page.keyboard.press('Enter');
  await expect(heading(page)).toHaveText('Let testapp1 1.0 use your account?');
  await tabTo(page, '8 hours');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('radio', { name: '7 days' })).toBeChecked();
  await tabTo(page, 'Yes, I started this');
  await page.keyboard.press('Space');
  await tabTo(page, 'Deny');
  await tabTo(page, 'Allow');
  await page.keyboard.press('Enter');
  await expect(heading(page)).toHaveText('Connected');
  await tabTo(page, 'Take it back');
  await page.keyboard.press('Space');
  await expect(heading(page)).toHaveText('Taken back');
});

test('Enter in the consent form does not allow', async ({ page, portal }) => {
  const device = await Device.start(portal);
  await page.request.post('/sign-in/password', { form: { tenant: PERSON.tenant, user_name: PERSON.userName, password: PERSON.password } });
  await page.goto('/device');
  await expect(codeField(page)).toBeFocused();
  await page.keyboard.type(device.code);
  await page.keyboard.press('Enter');
  const tick = page.getByRole('checkbox', { name: 'Yes, I started this' });
  await tick.check();
  await tick.press('Enter');
  await expect(heading(page)).toHaveText('Denied');
  expect(await device.poll()).toBe('access_denied');
});

test('the skip link leads past the header', async ({ page }) => {
  await page.goto('/hosts');
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.goto('/');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('main').getByRole('link', { name: 'Enter a code' })).toBeFocused();
});

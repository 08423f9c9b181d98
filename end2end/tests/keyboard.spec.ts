// From the code to the result without a pointer.
import { Device } from './device.ts';
import { hydrated, codeField, consentHeading, expect, heading, type Page, startedThis, test, userNameField } from './fixtures.ts';
import { t } from './i18n.ts';
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

test('the device flow works by keyboard', async ({ page, portal }) => {
  const device = await Device.start(portal);
  await page.goto('/device');
  await hydrated(page);
  await expect(codeField(page)).toBeFocused();
  await page.keyboard.type(device.code.replace('-', '').toLowerCase());
  await page.keyboard.press('Enter');
  await expect(heading(page)).toHaveText(t('sign-in'));
  await expect(userNameField(page)).toBeFocused();
  await page.keyboard.type(PERSON.userName);
  await page.keyboard.press('Tab');
  await page.keyboard.type(PERSON.password);
  await page.keyboard.press('Enter');
  await expect(heading(page)).toHaveText(consentHeading);
  await tabTo(page, t('span-hours', { count: 8 }));
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('radio', { name: t('span-days', { count: 7 }) })).toBeChecked();
  await tabTo(page, t('consent-confirmation'));
  await page.keyboard.press('Space');
  await tabTo(page, t('consent-deny'));
  await tabTo(page, t('consent-allow'));
  await page.keyboard.press('Enter');
  await expect(heading(page)).toHaveText(t('result-connected'));
  await tabTo(page, t('result-revoke'));
  await page.keyboard.press('Space');
  await expect(heading(page)).toHaveText(t('result-revoked'));
});

test('Enter in the consent form does not approve', async ({ page, portal }) => {
  const device = await Device.start(portal);
  await page.request.post('/sign-in/password', { form: { tenant: PERSON.tenant, user_name: PERSON.userName, password: PERSON.password } });
  await page.goto('/device');
  await expect(codeField(page)).toBeFocused();
  await page.keyboard.type(device.code);
  await page.keyboard.press('Enter');
  const confirmation = startedThis(page);
  await confirmation.check();
  await confirmation.press('Enter');
  await expect(heading(page)).toHaveText(t('result-denied'));
  expect(await device.poll()).toBe('access_denied');
});

test('the skip link leads past the header', async ({ page }) => {
  await page.goto('/hosts');
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.goto('/');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: t('skip-to-content') })).toBeFocused();
  await expect(page.getByRole('link', { name: t('skip-to-content') })).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('main').getByRole('link', { name: t('nav-device') })).toBeFocused();
});

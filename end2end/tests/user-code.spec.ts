// Accepted spellings of a code, and the field's message for others.
import { Device } from './device.ts';
import { hydrated, codeField, consentHeading, enterCode, expect, heading, press, signedIn, test } from './fixtures.ts';
import { startingWith, t, titledRefused } from './i18n.ts';

const spellings: [string, (code: string, address: string) => string][] = [
  ['in lower case', code => code.toLowerCase()],
  ['without the dash', code => code.replace('-', '')],
  ['with spaces', code => ` ${[...code].join(' ')} `],
  ['with a long dash', code => code.replace('-', '–')],
  ['with its label', code => `Code: ${code}`],
  ['as a whole address', (code, address) => `${address}?user_code=${code}`],
  ['with a dash of a Japanese keyboard', code => code.replace('-', 'ー')],
  ['in a sentence, percent-encoded', (code, address) => `Open ${address}?user_code=${code.replace('-', '%2D')} now.`],
];
for (const [how, spell] of spellings) {
  test(`a code is accepted ${how}`, async ({ page, portal }) => {
    const device = await Device.start(portal);
    await signedIn(page);
    await enterCode(page, spell(device.code, device.address));
    await expect(heading(page)).toHaveText(consentHeading);
    await expect(page.locator('.compare .code')).toHaveText(device.code);
  });
}

const mistakes: [string, string, string, string][] = [
  ['nothing', '', '', t('code-refused-empty')],
  ['too few letters', 'WDJB-MJ', 'WDJB-MJ', t('code-refused-length', { count: 6 })],
  ['one letter', 'W', 'W', t('code-refused-length', { count: 1 })],
  ['too many letters', 'WDJB-MJHTX', 'WDJB-MJHTX', t('code-refused-length', { count: 9 })],
  ['letters no code has', 'WD0B-MJHA', 'WD0B-MJHA', t('code-refused-impossible')],
];
for (const [what, typed, kept, sentence] of mistakes) {
  test(`${what}: refused and kept, with focus on the field`, async ({ page }) => {
    await page.goto('/device');
    await codeField(page).fill(typed);
    const answered = page.waitForResponse(response => response.url().endsWith('/device') && response.request().method() === 'GET');
    await press(page, t('device-continue'));
    expect((await answered).status()).toBe(422);
    await expect(page).toHaveTitle(titledRefused(t('device-title')));
    await expect(page.getByRole('alert')).toHaveText(sentence);
    await expect(codeField(page)).toHaveValue(kept);
    await expect(codeField(page)).toHaveAttribute('aria-invalid', 'true');
    await expect(codeField(page)).toHaveAccessibleDescription(startingWith(`${sentence} ${t('device-hint-before')}`));
    await expect(codeField(page)).toBeFocused();
    await page.reload();
    await expect(page.getByRole('alert'), 'said once').toHaveCount(0);
  });
}

test('Enter submits the form, eight letters alone do not', async ({ page }) => {
  await signedIn(page);
  await page.goto('/device');
  await expect(codeField(page)).toBeFocused();
  await codeField(page).pressSequentially('WDJBMJH');
  await expect(heading(page)).toHaveText(t('device-title'));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toHaveText(t('code-refused-length', { count: 7 }));
});

test('the code field suits phones and password managers @phone', async ({ page }) => {
  await page.goto('/device');
  const field = codeField(page);
  for (const [name, value] of Object.entries({ autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false', inputmode: 'text', enterkeyhint: 'go' })) {
    await expect(field).toHaveAttribute(name, value);
  }
  await expect(field).not.toHaveAttribute('maxlength');
  expect(parseFloat(await field.evaluate(input => getComputedStyle(input).fontSize)), 'iOS zooms into smaller type').toBeGreaterThanOrEqual(24);
});

test('@js capitals and the dash are added automatically', async ({ page }) => {
  await page.goto('/device');
  await hydrated(page);
  const field = codeField(page);
  await expect(field).toBeFocused();
  const shown: string[] = [];
  for (const letter of 'wdjbmjht') {
    await page.keyboard.press(letter);
    shown.push(await field.inputValue());
  }
  expect(shown).toEqual(['W', 'WD', 'WDJ', 'WDJB', 'WDJB-M', 'WDJB-MJ', 'WDJB-MJH', 'WDJB-MJHT']);
  const left: string[] = [];
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press('Backspace');
    left.push(await field.inputValue());
  }
  expect(left).toEqual(['WDJB-MJH', 'WDJB-MJ', 'WDJB-M', 'WDJB', 'WDJ', 'WD', 'W', '']);
});

test('@js an edit in the middle keeps the caret position', async ({ page }) => {
  await page.goto('/device');
  await hydrated(page);
  const field = codeField(page);
  await expect(field).toBeFocused();
  const caret = () => field.evaluate((input: HTMLInputElement) => input.selectionStart);
  await page.keyboard.type('wdjbmjht');
  for (let i = 0; i < 7; i++) await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Backspace');
  expect([await field.inputValue(), await caret()]).toEqual(['WJB-MJHT', 1]);
  await page.keyboard.type('x');
  expect(await caret()).toBe(2);
  await page.keyboard.type('z');
  expect(await caret()).toBe(3);
  await page.keyboard.press('Tab');
  await expect(field).toHaveValue('WXZJ-BMJHT');
});

test('@js a pasted code is formatted as on the device', async ({ page, context, portal }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/device');
  await hydrated(page);
  for (const text of [`${portal.url}/device?user_code=wdjb-mjht`, ' wdjb mjht ', 'Code: WDJB-MJHT', 'WDJBーMJHT', 'Your code is “WDJB–MJHT”.']) {
    await page.evaluate(text => navigator.clipboard.writeText(text), text);
    await codeField(page).fill('');
    await codeField(page).press('ControlOrMeta+v');
    await expect(codeField(page)).toHaveValue('WDJB-MJHT');
  }
});

test('@js composition enters each letter once', async ({ page }) => {
  await page.goto('/device');
  await hydrated(page);
  const keyboard = await page.context().newCDPSession(page);
  // The input events of a phone's keyboard during composition.
  for (const text of ['w', 'wd', 'wdj', 'wdjb', 'wdjbm', 'wdjbmj']) {
    await keyboard.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
  }
  await keyboard.send('Input.insertText', { text: 'wdjbmjht' });
  await page.keyboard.press('Tab');
  await expect(codeField(page)).toHaveValue('WDJB-MJHT');
});

test('@js invalid input is not reformatted', async ({ page, context, portal }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/device');
  await hydrated(page);
  for (const text of [`${portal.url}/device?user_code=WDJB%2DMJHT`, 'WDJB-MJHT or BCDF-GHJK', 'no code here']) {
    await page.evaluate(text => navigator.clipboard.writeText(text), text);
    await codeField(page).fill('');
    await codeField(page).press('ControlOrMeta+v');
    await page.keyboard.press('Tab');
    await expect(codeField(page)).toHaveValue(text);
  }
});

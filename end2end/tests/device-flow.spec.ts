// A device shows a code; a person types it, signs in, and decides.
import { Device } from './device.ts';
import { allow, asked, awake, codeField, enterCode, expect, heading, press, signIn, test } from './fixtures.ts';

test('@look typed, signed in, allowed, picked up', async ({ page, portal, scripts }) => {
  const device = await Device.start(portal);
  await page.goto('/device');
  await expect(page).toHaveTitle('Enter the code from your device · Trust Manager');
  await codeField(page).fill(device.code);
  await press(page, 'Continue');

  await expect(page.getByText('Your code is kept. Sign in to see who asks.')).toBeVisible();
  await signIn(page);

  await expect(page).toHaveTitle('Let testapp1 1.0 use your account? · Trust Manager');
  await expect(page.locator('.compare')).toContainText(device.code);
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - paragraph: Check that your device shows
    - term: Application
    - definition:
      - strong: testapp1 1.0
      - text: not verified
    - term: Asked
    - definition:
      - time
    - term: From
    - definition: 127.0.0.1, the same address as this browser
    - term: Program
    - definition: notebook/4.2 (as it calls itself)
    - region "What it may do":
      - list:
        - listitem:
          - strong: Log in over SSH as you
          - text: ", run programs and change files, on the host accounts ticked below"
        - listitem: See the host accounts ticked below
        - listitem: Know your user name
    - group "Host accounts":
      - checkbox "testhost1 as testhostaccount1" [checked]
    - group "For how long":
      - radio /8 hours/ [checked]
      - radio /7 days/
      - radio /30 days/
    - checkbox "Yes, I started this"
    - button "Deny"
    - button "Allow"
  `);
  expect(page.url(), 'the code is in no address').not.toContain(device.code);
  await page.getByRole('radio', { name: '7 days' }).check();
  await allow(page);

  await expect(page.getByRole('status')).toHaveText('Your device has not picked it up yet. That takes a few seconds.');
  await expect(page.getByRole('main')).toContainText('testhost1 as testhostaccount1');
  if (scripts) await page.evaluate(() => ((window as any).stillThisPage = true));
  expect(await device.poll()).toBe('token');
  if (scripts) {
    await expect(page.getByRole('status')).toHaveText(/^Your device picked it up on \d+ \w+ \d{4}, \d\d:\d\d \S+, from 127\.0\.0\.1\.$/);
    expect(await page.evaluate(() => (window as any).stillThisPage), 'told without reloading').toBe(true);
  } else {
    await page.getByRole('link', { name: 'Look again' }).click();
    await expect(page.getByRole('status')).toHaveText(/^Your device picked it up on/);
    await expect(page.getByRole('link', { name: 'Look again' })).toHaveCount(0);
  }
});

test('@look denied', async ({ page, portal }) => {
  const device = await asked(page, portal);
  await press(page, 'Deny');
  await expect(heading(page)).toHaveText('Denied');
  await expect(page.getByRole('main')).toContainText('Nothing was shared. The device has been told.');
  expect(await device.poll()).toBe('access_denied');
  await enterCode(page, device.code);
  await expect(page.getByRole('alert')).toHaveText('That code is not valid or has expired. Run the command again to get a new one.');
});

test('Allow needs the tick; what was chosen is asked again', async ({ page, portal }) => {
  const device = await asked(page, portal);
  await press(page, 'Allow');
  await expect(page).toHaveTitle('Error: Let testapp1 1.0 use your account? · Trust Manager');
  await expect(page.getByRole('alert')).toHaveText('Tick “Yes, I started this” to allow it, or choose Deny.');
  const tick = page.getByRole('checkbox', { name: 'Yes, I started this' });
  await expect(tick).toHaveAttribute('aria-invalid', 'true');
  await expect(tick).toHaveAccessibleDescription('Tick “Yes, I started this” to allow it, or choose Deny.');
  await page.reload();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await allow(page);
  expect(await device.poll()).toBe('token');
});

test('host accounts that are not ticked are not shared', async ({ page, portal }) => {
  await asked(page, portal);
  await page.getByRole('checkbox', { name: 'testhost1' }).uncheck();
  await allow(page);
  await expect(page.getByRole('main')).toContainText('no host account');
});

test('taken back, before and after the device has come', async ({ page, portal }) => {
  const early = await asked(page, portal);
  await allow(page);
  await press(page, 'Take it back');
  await expect(heading(page)).toHaveText('Taken back');
  expect(await early.poll()).toBe('access_denied');

  const late = await asked(page, portal);
  await allow(page);
  expect(await late.poll()).toBe('token');
  await press(page, 'Take it back');
  await expect(heading(page)).toHaveText('Taken back');
});

test('@phone "I did not start this", by a stranger', async ({ page, portal }) => {
  const device = await Device.start(portal);
  await page.goto('/device');
  await page.getByRole('main').getByRole('link', { name: 'I did not start this' }).click();
  await codeField(page).fill(device.code);
  await press(page, 'Report and stop it');
  await expect(heading(page)).toHaveText('Thank you. It has been stopped.');
  expect(await device.poll()).toBe('access_denied');
  await page.reload();
  await expect(heading(page)).toHaveText('I did not start this');
});

test('"I did not start this", while the question is open: the code is filled in', async ({ page, portal }) => {
  const device = await asked(page, portal);
  await page.getByRole('contentinfo').getByRole('link', { name: 'I did not start this' }).click();
  await expect(codeField(page)).toHaveValue(device.code);
  await press(page, 'Report and stop it');
  await expect(heading(page)).toHaveText('Thank you. It has been stopped.');
  await page.goto('/device');
  await expect(heading(page)).toHaveText('Enter the code from your device');
});

test('Back after a decision sends nothing again', async ({ page, portal }) => {
  const device = await asked(page, portal);
  const decisions: string[] = [];
  page.on('request', request => request.method() === 'POST' && decisions.push(request.url()));
  await press(page, 'Deny');
  await expect(heading(page)).toHaveText('Denied');
  await page.goBack();
  await expect(heading(page), 'it is answered').toHaveText('Denied');
  await page.reload();
  await expect(heading(page)).toHaveText('Denied');
  expect(decisions.filter(address => address.includes('decide'))).toHaveLength(1);
  expect(await device.poll()).toBe('access_denied');
});

test('@js Allow pressed twice at once is sent once', async ({ page, portal }) => {
  const device = await asked(page, portal);
  await awake(page);
  const decisions: string[] = [];
  page.on('request', request => request.url().includes('decide') && decisions.push(request.url()));
  await page.getByRole('checkbox', { name: 'Yes, I started this' }).check();
  await page.getByRole('button', { name: 'Allow' }).dblclick();
  await expect(heading(page)).toHaveText('Connected');
  expect(decisions).toHaveLength(1);
  expect(await device.poll()).toBe('token');
});

test('@nojs Allow pressed twice is answered as if it were once', async ({ page, portal }) => {
  const device = await asked(page, portal);
  await page.getByRole('checkbox', { name: 'Yes, I started this' }).check();
  await page.getByRole('button', { name: 'Allow' }).dblclick();
  await expect(heading(page)).toHaveText('Connected');
  expect(await device.poll()).toBe('token');
});

test('@js the countdown follows the clock, also over a sleep, and ends', async ({ page, portal }) => {
  await page.clock.install();
  await asked(page, portal);
  await awake(page);
  const countdown = page.locator('.countdown');
  await expect(countdown).toHaveText(/^1[45]:\d\d$/);
  await page.clock.fastForward('05:00');
  await expect(countdown).toHaveText(/^(9:\d\d|10:00)$/);
  await page.clock.fastForward('11:00');
  await expect(countdown).toHaveText('expired');
});

test('"Enter another code" puts the question aside, and the first code can still be entered here', async ({ page, portal }) => {
  const first = await asked(page, portal);
  await press(page, 'Enter another code');
  await expect(heading(page)).toHaveText('Enter the code from your device');
  const second = await asked(page, portal);
  await press(page, 'Deny');
  await enterCode(page, first.code);
  await allow(page);
  expect(await second.poll()).toBe('access_denied');
  expect(await first.poll()).toBe('token');
});

test('a code that is open in one browser is refused in another', async ({ page, portal, anotherBrowser }) => {
  const device = await Device.start(portal);
  await enterCode(page, device.code);
  await expect(heading(page)).toHaveText('Sign in');
  const other = await anotherBrowser();
  await enterCode(other, device.code);
  await signIn(other);
  await expect(other.getByRole('alert')).toContainText('This code is already open in another browser session.');
});

test('the answer of a request that is decided already is shown, not changed', async ({ page, portal }) => {
  const device = await asked(page, portal);
  const twin = await page.context().newPage();
  await twin.goto(page.url());
  await press(page, 'Deny');
  await expect(heading(page)).toHaveText('Denied');
  await twin.getByRole('checkbox', { name: 'Yes, I started this' }).check();
  await press(twin, 'Allow');
  await expect(heading(twin)).toHaveText('Denied');
  expect(await device.poll()).toBe('access_denied');
});

test('two tabs: each is about its own request, to the end', async ({ page, portal }) => {
  const first = await asked(page, portal);
  const tab = await page.context().newPage();
  const second = await asked(tab, portal);
  await page.getByRole('radio', { name: '30 days' }).check();
  await press(page, 'Allow');
  await expect(page.getByRole('alert')).toHaveText('Tick “Yes, I started this” to allow it, or choose Deny.');
  await expect(page.locator('.compare')).toContainText(first.code);
  await expect(page.getByRole('radio', { name: '30 days' })).toBeChecked();
  await tab.reload();
  await expect(tab.getByRole('alert')).toHaveCount(0);
  await expect(tab.getByRole('radio', { name: '8 hours' })).toBeChecked();

  await allow(page);
  await press(tab, 'Deny');
  await expect(heading(tab)).toHaveText('Denied');
  expect([await first.poll(), await second.poll()]).toEqual(['token', 'access_denied']);
  await page.reload();
  await expect(page.getByRole('status')).toHaveText(/^Your device picked it up on/);
  await press(page, 'Take it back');
  await expect(heading(page)).toHaveText('Taken back');
  await tab.reload();
  await expect(heading(tab)).toHaveText('Denied');
});

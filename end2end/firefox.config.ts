// The main paths in Debian's Firefox ESR, over WebDriver BiDi. In a separate configuration, because only this browser
// has a channel.
import { defineConfig, devices } from '@playwright/test';

// No connections to other machines.
const preferences = {
  'network.proxy.type': 1, 'network.proxy.http': '127.0.0.1', 'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1', 'network.proxy.ssl_port': 9, 'network.proxy.no_proxies_on': '127.0.0.1,localhost',
  'datareporting.policy.dataSubmissionEnabled': false, 'app.normandy.enabled': false,
  'browser.safebrowsing.malware.enabled': false, 'browser.safebrowsing.phishing.enabled': false,
};

export default defineConfig({
  testDir: './tests',
  outputDir: './test-results/firefox',
  testMatch: /(device-flow|keys|sessions|hosts|apps)\.spec/,
  grep: /@look|@firefox/,
  workers: 1,
  retries: 0,
  forbidOnly: !!process.env.CI,
  timeout: 40_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: {
    ...devices['Desktop Firefox'],
    browserName: 'firefox',
    channel: 'moz-firefox',
    // Not supported over BiDi.
    colorScheme: null,
    contextOptions: { colorScheme: null, reducedMotion: null, forcedColors: null, contrast: null },
    launchOptions: { executablePath: process.env.FIREFOX || '/usr/bin/firefox-esr', firefoxUserPrefs: preferences },
  },
});

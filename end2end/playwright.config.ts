import { defineConfig, devices } from '@playwright/test';
import { chromium } from './browser.ts';

const desktop = { ...devices['Desktop Chrome'], ...chromium };
// Tests of pages, run in every presentation.
const pages = /(application|header|device-flow|consent|user-code|forms|sign-in|institution|second-factor|sessions|pages|keys|links|administration|providers|resources)\.spec/;

export default defineConfig({
  testDir: './tests',
  outputDir: './test-results',
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: !!process.env.CI,
  timeout: 20_000,
  expect: { timeout: 5_000 },
  reporter: [['list'], ['junit', { outputFile: 'results/junit.xml' }]],
  // A trace of one test: npx playwright test --trace on -g NAME
  use: { trace: 'off', screenshot: 'only-on-failure', video: 'off' },
  projects: [
    { name: 'desktop', use: desktop, grepInvert: /@nojs/ },
    // The same with JavaScript disabled in the browser.
    { name: 'nojs', use: { ...desktop, javaScriptEnabled: false }, testMatch: pages, grepInvert: /@js/ },
    { name: 'phone', use: { ...devices['Pixel 7'], ...chromium }, testMatch: pages, grep: /@look|@phone/ },
    // Only the appearance differs: the two complete flows are enough.
    { name: 'dark', use: { ...desktop, colorScheme: 'dark' }, testMatch: pages, grep: /@look/ },
    { name: 'narrow', use: { ...desktop, viewport: { width: 320, height: 640 } }, testMatch: pages, grep: /@look/ },
    {
      name: 'forced-colors',
      use: { ...desktop, contextOptions: { forcedColors: 'active', reducedMotion: 'reduce' } },
      testMatch: pages,
      grep: /@look/,
    },
  ],
});

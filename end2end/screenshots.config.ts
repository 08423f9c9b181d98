// `npm run screenshots`: screenshots of every page in every state, for review.
import { defineConfig, devices } from '@playwright/test';
import { chromium } from './browser.ts';

export default defineConfig({
  testDir: './screenshots',
  outputDir: './test-results',
  fullyParallel: true,
  workers: 2,
  timeout: 60_000,
  reporter: 'list',
  use: { ...devices['Desktop Chrome'], ...chromium },
});

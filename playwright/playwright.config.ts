// SPDX-License-Identifier: MIT
// playwright.config.ts - how the browser tests run: Debian's Chromium, a server
// per worker, no retries.

import { defineConfig, devices } from '@playwright/test';

const CHROMIUM = {
  ...devices['Desktop Chrome'],
  viewport: { width: 1280, height: 800 },
};
const CHROMIUM_LAUNCH = {
  executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  // A test that passes at a second try hides a fault.
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  fullyParallel: true,
  // Each worker has a browser and a sanitized server; two keep two cores busy.
  workers: 2,
  timeout: 60_000,
  // Backoff and machines under load take their time; a state that comes is seen
  // at once, so patience costs nothing.
  expect: { timeout: 15_000 },
  reporter: [
    ['list'],
    ['json', { outputFile: '../build/test-logs/playwright.json' }],
  ],
  use: {
    viewport: { width: 1280, height: 800 },
    // Recording takes more of two cores than the tests: TRACE=1 turns it on.
    trace: process.env.TRACE ? 'retain-on-failure' : 'off',
    screenshot: 'only-on-failure',
  },
  projects: [
    {
      name: 'chromium',
      use: { ...CHROMIUM, launchOptions: CHROMIUM_LAUNCH },
    },
    {
      // Pages that one has left are kept for "back", as in everybody's browser;
      // Playwright turns it off elsewhere.
      name: 'chromium-kept',
      testMatch: ['recovery/back.spec.ts'],
      use: {
        ...CHROMIUM,
        launchOptions: {
          ...CHROMIUM_LAUNCH,
          ignoreDefaultArgs: ['--disable-back-forward-cache'],
        },
      },
    },
    {
      // Debian's own, by WebDriver BiDi: Playwright's patched one is not needed.
      // Without what only Chromium's tools can do (freeze a page, cut its network)
      // and without the looks.
      name: 'firefox',
      testMatch: ['sdk/**', 'story/**', 'safety/**', 'admin/admin.spec.ts',
        'recovery/{back,blocked,reload,sleep}.spec.ts'],
      use: {
        browserName: 'firefox',
        channel: 'moz-firefox',
        launchOptions: {
          executablePath: process.env.FIREFOX_BIN ?? '/usr/bin/firefox-esr',
        },
      },
    },
  ],
});

// SPDX-License-Identifier: MIT
// playwright.long.config.ts - what takes minutes: one test at a time, as they
// measure, and in Chromium, whose tools they need.

import { defineConfig } from '@playwright/test';

import config from './playwright.config.js';

export default defineConfig({
  ...config,
  testDir: 'long',
  workers: 1,
  timeout: 300_000,
  reporter: [
    ['list'],
    ['json', { outputFile: '../build/test-logs/playwright-long.json' }],
  ],
  projects: config.projects!.filter(({ name }) => name === 'chromium'),
});

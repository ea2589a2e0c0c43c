// SPDX-License-Identifier: MIT
// narrow.spec.ts - the demo on a phone of 360 pixels, and in the dark.

import type { Page } from '@playwright/test';

import { expect, test } from '../../fixtures/test.js';

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true };

/** How far the page is wider than the window. */
const overflowOf = (page: Page): Promise<number> => page.evaluate(() =>
  document.documentElement.scrollWidth - document.documentElement.clientWidth);

test('nothing is wider than a phone', async ({ enter, server, visit }) => {
  const join = await visit(PHONE);
  expect(await overflowOf(join.page)).toBe(0);

  const ada = await enter('Ada of the very long and winding', PHONE);
  const { page, status } = ada;
  await ada.send('x'.repeat(500), 'https://example.org/' + 'path/'.repeat(40),
    'one\ttwo');
  await expect(ada.messages).toHaveCount(3);
  expect(await overflowOf(page)).toBe(0);

  const people = page.getByRole('button', { name: /people/ });
  await expect(ada.people).toBeHidden();
  await people.click();
  await expect(ada.people).toBeVisible();
  expect(await overflowOf(page)).toBe(0);
  await people.click();

  await status.detailsButton.click();
  expect(await overflowOf(page)).toBe(0);
  await page.getByRole('button', { name: 'Close' }).click();

  await server.kill9();
  await expect(status.reconnect).toBeVisible();
  await ada.send('waiting');
  await expect(ada.waiting).toHaveCount(1);
  expect(await overflowOf(page)).toBe(0);
  // The bar stays in the window whatever it has to say.
  const box = await status.bar.boundingBox();
  expect(box!.y + box!.height).toBeLessThanOrEqual(740);
  await expect(ada.input).toBeInViewport();
});

test('the page follows the system into the dark', async ({ enter }) => {
  const backgroundOf = (page: Page): Promise<number> => page.evaluate(() => {
    const rgb = getComputedStyle(document.body).backgroundColor.match(/\d+/g)!;
    return Math.max(...rgb.map(Number));
  });
  const light = await enter('Ada', { colorScheme: 'light' });
  expect(await backgroundOf(light.page)).toBeGreaterThan(200);
  const dark = await enter('Grace', { colorScheme: 'dark' });
  expect(await backgroundOf(dark.page)).toBeLessThan(60);
  await dark.page.emulateMedia({ colorScheme: 'light' });
  expect(await backgroundOf(dark.page)).toBeGreaterThan(200);
});

test('who wants no motion gets none', async ({ enter }) => {
  const ada = await enter('Ada', { reducedMotion: 'reduce' });
  const running = await ada.page.evaluate(() => document.getAnimations().length);
  expect(running).toBe(0);
});

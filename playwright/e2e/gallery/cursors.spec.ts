// SPDX-License-Identifier: MIT
// cursors.spec.ts - live cursors: by mouse and by keyboard, waves, and who leaves.

import { expect, test } from '../../fixtures/test.js';

test('cursors are seen where they are', async ({ open, room }) => {
  const ada = await open(`cursors/#${room}`, 'Ada');
  const grace = await open(`cursors/#${room}`, 'Grace');
  await expect(ada.locator('#here > li')).toHaveCount(2);

  const box = (await ada.locator('#stage').boundingBox())!;
  const at = (x: number, y: number) =>
    [box.x + box.width * x, box.y + box.height * y] as const;
  await ada.mouse.move(...at(0.1, 0.1));
  await ada.mouse.move(...at(0.8, 0.25), { steps: 40 });
  const cursor = grace.locator('.cursor[data-name=Ada]');
  await expect(cursor).toHaveJSProperty('style.left', '80%');
  await expect(cursor).toHaveJSProperty('style.top', '25%');
  await expect(grace.locator('#here [data-name=Ada]'))
    .toContainText('upper right');
  // One does not see one's own.
  await expect(ada.locator('.cursor')).toHaveCount(0);

  await ada.mouse.down();
  await ada.mouse.up();
  await expect(grace.locator('#waves')).toHaveText('Ada waves.');

  // By keyboard, from the middle.
  await grace.locator('#stage').focus();
  for (let i = 0; i < 4; i++) await grace.keyboard.press('Shift+ArrowLeft');
  const other = ada.locator('.cursor[data-name=Grace]');
  await expect(other).toHaveJSProperty('style.left', '10%');
  await grace.keyboard.press('Enter');
  await expect(ada.locator('#waves')).toHaveText('Grace waves.');

  await grace.close();
  await expect(other).toHaveCount(0);
  await expect(ada.getByText('Open this page in a second window.'))
    .toBeVisible();
});

test('cursors come back with the server', async ({ open, room, server }) => {
  const ada = await open(`cursors/#${room}`, 'Ada');
  const grace = await open(`cursors/#${room}`, 'Grace');
  await expect(ada.locator('#here > li')).toHaveCount(2);
  await server.restart();
  for (const page of [ada, grace]) {
    await expect(page.getByRole('contentinfo'))
      .toHaveAttribute('data-state', 'ready');
    await expect(page.locator('#here > li')).toHaveCount(2);
  }
  await ada.locator('#stage').focus();
  await ada.keyboard.press('ArrowUp');
  await expect(grace.locator('.cursor[data-name=Ada]'))
    .toHaveJSProperty('style.top', '48%');
});

// SPDX-License-Identifier: MIT
// keyboard.spec.ts - everything without a mouse, and what a screen reader is told.

import { expect, test } from '../../fixtures/test.js';

test('the whole way by keyboard', async ({ visit, enter, room }) => {
  const grace = await enter('Grace');
  const { page } = await visit();
  const { keyboard } = page;
  const focused = page.locator(':focus');
  await expect(focused).toHaveAccessibleName('Your name');

  await keyboard.type('Ada');
  await keyboard.press('Tab');
  await keyboard.press('ControlOrMeta+a');
  await keyboard.type(room);
  await keyboard.press('Enter');
  await expect(focused).toHaveAccessibleName('Message');

  await keyboard.type('first line');
  await keyboard.press('Shift+Enter');
  await keyboard.type('second line');
  await keyboard.press('Enter');
  await grace.untilTexts(['first line\nsecond line']);
  await expect(focused).toHaveAccessibleName('Message');

  // On from the field: send, leave, rooms, details.
  await keyboard.press('Tab');
  await expect(focused).toHaveAccessibleName('Send');
  await keyboard.press('Tab');
  await expect(focused).toHaveAccessibleName('Change name or room');
  await keyboard.press('Tab');
  await expect(focused).toHaveRole('link');
  const rooms = page.getByRole('navigation', { name: 'Rooms' });
  await rooms.getByRole('link').last().focus();
  await keyboard.press('Tab');
  await expect(focused).toHaveAccessibleName('Details');
  await keyboard.press('Enter');
  const details = page.getByRole('region', { name: 'Connection details' });
  await expect(details).toBeVisible();
  await expect(focused).toHaveText('Connection details');
  await keyboard.press('Escape');
  await expect(details).toBeHidden();
  await expect(focused).toHaveAccessibleName('Details');

  // And back to the top: one's own state, and the way around the header.
  await rooms.getByRole('link').first().focus();
  for (const name of ['Change name or room', 'Send', 'Message', 'Conversation',
    'Your state']) {
    await keyboard.press('Shift+Tab');
    await expect(focused).toHaveAccessibleName(name);
  }
  await keyboard.press('b');
  await grace.untilPerson('Ada', 'busy');
  await keyboard.press('Shift+Tab');
  await expect(focused).toHaveAccessibleName('Gallery');
  await keyboard.press('Shift+Tab');
  await expect(focused).toHaveText('Skip to writing a message');
  await expect(focused).toBeInViewport();
  await keyboard.press('Enter');
  await expect(focused).toHaveAccessibleName('Message');
  expect(new URL(page.url()).hash).toBe(`#${room}`);
});

test('the focus can be seen', async ({ enter }) => {
  const ada = await enter('Ada');
  await ada.input.focus();
  await ada.page.keyboard.press('Tab');
  const outline = await ada.page.locator(':focus').evaluate((element) =>
    getComputedStyle(element).outlineStyle);
  expect(outline).toBe('solid');
});

test('messages and states are told politely', async ({ enter, server }) => {
  const ada = await enter('Ada');
  await expect(ada.log).toHaveAttribute('aria-live', 'polite');
  await expect(ada.log).toHaveAttribute('aria-busy', 'false');
  const told = ada.status.bar.getByRole('status');
  await expect(told).toHaveText('Connected');
  await server.kill9();
  await expect(told).toHaveText(/^Connection lost: the server/);
  // The countdown would speak each second: it is beside the live region.
  await expect(told).not.toContainText('next attempt');
  for (const role of ['banner', 'main', 'complementary', 'contentinfo'] as const) {
    await expect(ada.page.getByRole(role)).toHaveCount(1);
  }
});

test('the focus does not get lost with the button that had it',
  async ({ enter, server }) => {
    const ada = await enter('Ada');
    await server.kill9();
    await ada.status.reconnect.focus();
    await server.start();
    await ada.untilState('ready');
    await expect(ada.input).toBeFocused();
  });

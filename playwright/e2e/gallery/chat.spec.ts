// SPDX-License-Identifier: MIT
// chat.spec.ts - a club: its owner lets people in, gives them roles, and removes
// them, and the server holds them to it.

import type { Page } from '@playwright/test';

import { expect, test } from '../../fixtures/test.js';
import { ChatPage } from '../../pages/chat-page.js';

const door = (page: Page) =>
  page.getByRole('heading', { name: 'You are at the door' });
const member = (page: Page, name: string) =>
  page.locator(`#members-list [data-name="${name}"]`);

test('a club lets in, gives roles, and removes', async ({ open, room }) => {
  const path = `chat/#club/${room}`;
  const ada = new ChatPage(await open(path, 'Ada'));
  await expect(member(ada.page, 'Ada')).toHaveAttribute('data-role', 'owner');
  await ada.send('before anybody came');
  await ada.untilTexts(['before anybody came']);

  // Who has no role stays outside, and sees nothing.
  const grace = new ChatPage(await open(path, 'Grace'));
  await expect(door(grace.page)).toBeVisible();
  await expect(grace.page.getByText('Ada can let you in')).toBeVisible();
  await expect(grace.messages).toHaveCount(0);
  await ada.page.getByRole('button', { name: 'Let in: Grace' }).click();
  await grace.untilTexts(['before anybody came']);
  await grace.send('thank you');
  await ada.untilTexts(['before anybody came', 'thank you']);

  // A reader may not write; the page says so, and so does the server.
  await member(ada.page, 'Grace').getByRole('combobox').selectOption('reader');
  await expect(grace.input).toBeDisabled();
  expect(await grace.page.evaluate((channel) => {
    const { client } = (globalThis as unknown as { godwit: { client: {
      publish: (channel: string, data: unknown) => Promise<unknown> } } }).godwit;
    return client.publish(channel, { text: 'smuggled' })
      .catch((error: Error) => error.name);
  }, `club:${room}`)).toBe('PERMISSION_DENIED');

  // Who is removed is outside at once.
  await ada.page.getByRole('button', { name: 'Remove Grace' }).click();
  await expect(door(grace.page)).toBeVisible();
  await ada.send('only for members');
  await expect(ada.texts().last()).toHaveText('only for members');
  await expect(member(ada.page, 'Grace')).toHaveCount(0);
  await expect(grace.page.locator('#messages > [data-kind=message]'))
    .toHaveCount(2);

  // And what was said meanwhile comes when one is in again, once and in order.
  await ada.page.getByRole('button', { name: 'Let in: Grace' }).click();
  await grace.untilTexts(
    ['before anybody came', 'thank you', 'only for members']);
  await expect(grace.input).toBeEnabled();
});

test('a moderator lets in and removes as well', async ({ open, room }) => {
  const path = `chat/#club/${room}`;
  const ada = await open(path, 'Ada');
  const grace = await open(path, 'Grace');
  await ada.getByRole('button', { name: 'Let in: Grace' }).click();
  await member(ada, 'Grace').getByRole('combobox').selectOption('moderator');
  await expect(member(grace, 'Grace'))
    .toHaveAttribute('data-role', 'moderator');

  const eve = await open(path, 'Eve');
  await grace.getByRole('button', { name: 'Let in to read: Eve' }).click();
  await expect(member(eve, 'Eve')).toHaveAttribute('data-role', 'reader');
  await grace.getByRole('button', { name: 'Remove Eve' }).click();
  await expect(door(eve)).toBeVisible();
});

test('a club outlives the server, with its members',
  async ({ open, room, server }) => {
    const path = `chat/#club/${room}`;
    const ada = new ChatPage(await open(path, 'Ada'));
    const grace = new ChatPage(await open(path, 'Grace'));
    await ada.page.getByRole('button', { name: 'Let in: Grace' }).click();
    await ada.send('before the restart');
    await grace.untilTexts(['before the restart']);
    await server.restart();
    // The owner's page makes the group again, and everybody is in it.
    for (const { gaps } of [ada, grace]) await expect(gaps).toHaveCount(1);
    await expect(member(grace.page, 'Grace'))
      .toHaveAttribute('data-role', 'member');
    await grace.untilPerson('Ada', 'online');
    await grace.send('still here');
    await expect(ada.texts().last()).toHaveText('still here');
  });

test('the list of rooms has those with people, and leads there',
  async ({ open, room }) => {
    const ada = await open(`chat/#${room}`, 'Ada');
    const grace = new ChatPage(await open(`chat/#club/${room}-b`, 'Grace'));
    const rooms = grace.page.getByRole('navigation', { name: 'Rooms' });
    await rooms.getByRole('link', { name: `# ${room}`, exact: true }).click();
    await grace.untilPerson('Ada', 'online');
    await expect(ada.locator('#people-list > li')).toHaveCount(2);
  });

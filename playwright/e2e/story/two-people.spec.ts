// SPDX-License-Identifier: MIT
// two-people.spec.ts - the story of the demo: two people meet in a room.

import { expect, test } from '../../fixtures/test.js';

test('two people chat both ways', async ({ enter }) => {
  const ada = await enter('Ada');
  await expect(ada.page.getByText('It is quiet in here.')).toBeVisible();
  const grace = await enter('Grace');

  await ada.send('Good morning', 'Is anybody there?');
  await grace.untilTexts(['Good morning', 'Is anybody there?']);
  await grace.send('Good morning, Ada 👋');
  await ada.untilTexts(
    ['Good morning', 'Is anybody there?', 'Good morning, Ada 👋']);

  await expect(ada.messages.nth(0)).toContainClass('is-own');
  await expect(ada.messages.nth(2)).not.toContainClass('is-own');
  await expect(grace.messages.nth(0)).toContainText('Ada');
  await expect(ada.waiting).toHaveCount(0);
  await expect(ada.page.getByText('It is quiet in here.')).toBeHidden();
});

test('each sees who is there, in which state, and who leaves',
  async ({ enter }) => {
    const ada = await enter('Ada');
    await ada.untilPerson('Ada', 'online');
    await expect(ada.page.getByText('Nobody else is here yet.')).toBeVisible();

    const grace = await enter('Grace');
    await ada.untilPerson('Grace', 'online');
    await grace.untilPerson('Ada', 'online');
    await expect(grace.people).toHaveCount(2);
    await expect(ada.page.getByText('Nobody else is here yet.')).toBeHidden();
    await expect(ada.person('Ada')).toContainText('you');

    await grace.ownState.selectOption('busy');
    await ada.untilPerson('Grace', 'busy');
    await expect(ada.person('Grace')).toContainText('Busy');
    await grace.ownState.selectOption('away');
    await ada.untilPerson('Grace', 'away');
    await grace.ownState.selectOption('online');
    await ada.untilPerson('Grace', 'online');

    await grace.page.getByRole('button', { name: 'Change name or room' }).click();
    await expect(ada.people).toHaveCount(1);
    await expect(ada.page.getByText('Nobody else is here yet.')).toBeVisible();
  });

test('typing is seen while it lasts', async ({ enter }) => {
  const ada = await enter('Ada');
  const grace = await enter('Grace');
  await ada.untilPerson('Grace', 'online');

  await grace.input.pressSequentially('I am thin');
  await expect(ada.typing).toHaveText('Grace is typing');
  await expect(ada.person('Grace')).toHaveAttribute('data-typing', 'true');
  await expect(grace.typing).toBeEmpty();

  await grace.input.press('Enter');
  await ada.untilTexts(['I am thin']);
  await expect(ada.typing).toBeEmpty();

  // Stopping without sending is noticed too.
  await grace.input.pressSequentially('x');
  await expect(ada.typing).toHaveText('Grace is typing');
  await grace.input.fill('');
  await expect(ada.typing).toBeEmpty();
});

test('nobody is seen typing without a connection', async ({ enter, server }) => {
  const ada = await enter('Ada');
  const grace = await enter('Grace');
  await grace.input.pressSequentially('x');
  await expect(ada.typing).toHaveText('Grace is typing');
  await expect(ada.typing).toBeVisible();
  await server.kill9();
  await expect(ada.typing).toBeHidden();
  await expect(ada.page.getByText('As it was when')).toBeVisible();
});

test('the status bar tells what the connection does', async ({ enter }) => {
  const ada = await enter('Ada');
  const { status } = ada;
  await expect(status.words).toHaveText('Connected');
  await expect(status.transport).toHaveText('WebSocket');
  await expect(status.roundTrip).toHaveText(/^\d+ ms$/);
  await expect(status.position).toHaveText(/^[0-9a-f]{6}:0$/);
  await expect(status.outbox).toHaveText('0');
  await expect(status.reconnect).toBeHidden();

  await ada.send('one', 'two');
  await expect(status.position).toHaveText(/^[0-9a-f]{6}:2$/);
  await expect(status.outbox).toHaveText('0');

  await status.detailsButton.click();
  const details = ada.page.getByRole('region', { name: 'Connection details' });
  await expect(details.getByText('/v1/ws')).toBeVisible();
  await expect(details.locator('#events'))
    .toContainText('connecting to authenticating');
  await details.getByRole('button', { name: 'Close' }).click();
  await expect(details).toBeHidden();
});

test('two windows of one person are one person', async ({ enter }) => {
  const first = await enter('Ada');
  const second = await enter('Ada');
  await expect(first.person('Ada')).toHaveAttribute('data-windows', '2');
  await second.ownState.selectOption('busy');
  // The most reachable window counts.
  await expect(second.person('Ada')).toContainText('2 windows');
  await second.untilPerson('Ada', 'online');
  await second.page.close();
  await expect(first.person('Ada')).toHaveAttribute('data-windows', '1');
});

test('a reload leaves no ghost behind', async ({ enter }) => {
  const ada = await enter('Ada');
  const grace = await enter('Grace');
  await ada.untilPerson('Grace', 'online');
  await grace.page.reload();
  await grace.untilState('ready');
  await grace.untilPerson('Grace', 'online');
  await expect(grace.person('Grace')).toHaveAttribute('data-windows', '1');
  await expect(ada.person('Grace')).toHaveAttribute('data-windows', '1');
});

// SPDX-License-Identifier: MIT
// rooms.spec.ts - names and rooms: the first screen, the URL, what a reload keeps.

import { expect, test } from '../../fixtures/test.js';

test('the first screen asks for what is missing', async ({ visit }) => {
  const join = await visit();
  await expect(join.room).toHaveValue('lobby');
  await expect(join.name).toBeFocused();
  await join.submit.click();
  await expect(join.page.getByText('Please tell your name.')).toBeVisible();
  await expect(join.name).toHaveAttribute('aria-invalid', 'true');
  await join.name.fill('Ada');
  await join.room.fill('!?');
  await join.submit.click();
  await expect(join.page.getByText('Use letters, digits')).toBeVisible();
});

test('a link leads into its room, a reload stays in it',
  async ({ enter, room, server }) => {
    const ada = await enter('Ada');
    await ada.send('written before the reload');
    await ada.untilTexts(['written before the reload']);
    expect(new URL(ada.page.url()).hash).toBe(`#${room}`);

    await ada.page.reload();
    await ada.untilState('ready');
    await ada.untilTexts(['written before the reload']);
    // It is still this person's own.
    await expect(ada.messages.first()).toContainClass('is-own');

    const tab = await ada.page.context().newPage();
    await tab.goto(`${server.url}/chat/#${room}`);
    await expect(tab.getByRole('textbox', { name: 'Room' })).toHaveValue(room);
  });

test('rooms do not mix', async ({ enter, room }) => {
  const ada = await enter('Ada');
  const grace = await enter('Grace');
  await ada.untilPerson('Grace', 'online');

  await grace.page.evaluate((name) => { location.hash = name; }, `${room}-b`);
  await expect(grace.page.getByRole('heading', { level: 1 }))
    .toContainText(`${room}-b`);
  await expect(ada.people).toHaveCount(1);
  await expect(grace.people).toHaveCount(1);
  await grace.send('in the other room');
  await grace.untilTexts(['in the other room']);
  await ada.send('in the first room');
  await ada.untilTexts(['in the first room']);

  await grace.page.goBack();
  await grace.untilTexts(['in the first room']);
  await ada.untilPerson('Grace', 'online');
});

test('a message written before the connection is there is not lost',
  async ({ visit, room }) => {
    const join = await visit();
    let blocked = true;
    await join.page.routeWebSocket('**/v1/ws', (socket) => {
      if (blocked) void socket.close();
      else socket.connectToServer();
    });
    const ada = await join.enter('Ada', room);
    await ada.send('early', 'bird');
    await expect(ada.waiting).toHaveText([/early/, /bird/]);
    await ada.untilState('waiting', 'connecting');
    blocked = false;
    await ada.untilTexts(['early', 'bird']);
    await expect(ada.waiting).toHaveCount(0);
  });

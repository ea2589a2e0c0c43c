// SPDX-License-Identifier: MIT
// server-killed.spec.ts - the server dies by kill -9 while people write.

import { expect, test } from '../../fixtures/test.js';

test('kill -9, keep writing, start again: all is there once and in order',
  async ({ enter, server }) => {
    const ada = await enter('Ada');
    const grace = await enter('Grace');
    for (const chat of [ada, grace]) await chat.mark();
    await grace.ownState.selectOption('busy');
    await ada.send('A1', 'A2');
    await grace.untilTexts(['A1', 'A2']);
    await grace.send('G1');
    await ada.untilTexts(['A1', 'A2', 'G1']);
    await expect(grace.waiting).toHaveCount(0);

    await server.kill9();
    for (const chat of [ada, grace]) {
      await chat.untilState('waiting', 'connecting', 'suspended');
      await expect(chat.status.reason).not.toBeEmpty();
    }
    await ada.send('A3', 'A4');
    await grace.send('G2', 'G3');
    await expect(ada.waiting).toHaveCount(2);
    await expect(grace.status.outbox).toHaveText('2');
    await server.start();

    for (const chat of [ada, grace]) {
      await chat.untilState('ready');
      await expect(chat.messages).toHaveCount(7);
      await expect(chat.waiting).toHaveCount(0);
      const texts = await chat.texts().allTextContents();
      expect(texts.slice(0, 3)).toEqual(['A1', 'A2', 'G1']);
      expect(texts.filter((t) => t.startsWith('A')))
        .toEqual(['A1', 'A2', 'A3', 'A4']);
      expect(texts.filter((t) => t.startsWith('G'))).toEqual(['G1', 'G2', 'G3']);
      // The history was in memory only, and the page says so.
      await expect(chat.gaps).toHaveCount(1);
      await expect(chat.gaps).toHaveAttribute('data-gap', 'epoch-changed');
      await expect(chat.gaps).toContainText(
        'The server restarted. Messages before this point may be missing.');
    }
    expect(await ada.texts().allTextContents())
      .toEqual(await grace.texts().allTextContents());

    for (const chat of [ada, grace]) {
      await chat.untilPerson('Ada', 'online');
      await chat.untilPerson('Grace', 'busy');
      await expect(chat.people).toHaveCount(2);
      expect(await chat.isMarked()).toBe(true);
    }
    await ada.send('and on it goes');
    await expect(grace.texts().last()).toHaveText('and on it goes');
  });

test('the wait is counted down, and need not be waited for',
  async ({ enter, server }) => {
    const ada = await enter('Ada');
    await server.kill9();
    // Later attempts wait longer: one of them is long enough to be read.
    await expect(ada.status.retry).toHaveText(/^next attempt in \d+ s$/);
    await expect(ada.status.words).toHaveText('Connection lost');
    await expect(ada.status.reconnect).toBeVisible();
    await server.start();
    await ada.status.reconnect.click({ timeout: 5000 }).catch(() => {
      // The page may have come back by itself in this very moment.
    });
    await ada.untilState('ready');
    await expect(ada.status.retry).toBeHidden();
    await expect(ada.status.reconnect).toBeHidden();
  });

test('a server that is stopped in peace sends its people away in peace',
  async ({ enter, server }) => {
    const ada = await enter('Ada');
    await ada.send('before');
    await ada.untilTexts(['before']);
    expect(await server.stop()).toBe(0);
    await ada.untilState('waiting', 'connecting', 'suspended');
    await ada.send('meanwhile');
    await server.start();
    await ada.untilState('ready');
    await ada.untilTexts(['before', 'meanwhile']);
  });

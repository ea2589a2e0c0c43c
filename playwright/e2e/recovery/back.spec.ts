// SPDX-License-Identifier: MIT
// back.spec.ts - away from the page and back to it. The browser may have kept it
// as it was (bfcache), or loads it anew: it runs with both.

import type { TestInfo } from '@playwright/test';

import { expect, test } from '../../fixtures/test.js';
import type { ChatPage } from '../../pages/chat-page.js';

/** Playwright turns it off in Chromium, but for the project chromium-kept; in
 * Firefox it is the browser's choice. */
async function isKept(ada: ChatPage, info: TestInfo): Promise<boolean> {
  const kept = await ada.isMarked();
  if (info.project.name !== 'firefox') {
    expect(kept).toBe(info.project.name === 'chromium-kept');
  }
  return kept;
}

test('away and back: gone at once, and everything there on return',
  async ({ enter }, info) => {
    const ada = await enter('Ada');
    const grace = await enter('Grace');
    await ada.mark();
    await ada.send('before');
    await grace.untilTexts(['before']);
    await expect(ada.status.outbox).toHaveText('0');

    const texts = ['before'];
    for (const time of ['first', 'second']) {
      await ada.goAway();
      await expect(grace.people).toHaveCount(1);
      await grace.send(`away, the ${time} time`);
      await ada.comeBack();
      await ada.untilState('ready');
      texts.push(`away, the ${time} time`);
      await ada.untilTexts(texts);
      await grace.untilPerson('Ada', 'online');
      await expect(grace.person('Ada')).toHaveAttribute('data-windows', '1');

      await ada.send(`back, the ${time} time`);
      texts.push(`back, the ${time} time`);
      for (const chat of [ada, grace]) {
        await chat.untilTexts(texts);
        await expect(chat.gaps).toHaveCount(0);
      }
      await expect(ada.status.outbox).toHaveText('0');
    }
    await isKept(ada, info);
  });

test('a page that was away during a restart says what it may have missed',
  async ({ enter, server }, info) => {
    const ada = await enter('Ada');
    await ada.mark();
    await ada.send('before');
    await ada.untilTexts(['before']);
    await expect(ada.status.outbox).toHaveText('0');
    await ada.goAway();
    await server.restart();
    await ada.comeBack();
    await ada.untilState('ready');
    await ada.send('after');
    if (await isKept(ada, info)) {
      await ada.untilTexts(['before', 'after']);
      await expect(ada.gaps).toHaveAttribute('data-gap', 'epoch-changed');
    } else {
      // It begins anew, with what the server has.
      await ada.untilTexts(['after']);
      await expect(ada.gaps).toHaveCount(0);
    }
  });

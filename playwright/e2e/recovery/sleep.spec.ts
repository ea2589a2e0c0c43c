// SPDX-License-Identifier: MIT
// sleep.spec.ts - a machine that sleeps and wakes, and timers that come late. The
// page's clocks and timers are in the hand of the test; the connection dies in
// silence, as it does when a machine sleeps.

import { Link } from '../../fixtures/link.js';
import { expect, test, type Visit } from '../../fixtures/test.js';
import type { ChatPage } from '../../pages/chat-page.js';

/** Shorter than what is written waits for a connection, and longer. */
const NAP_MS = 4 * 60_000;
const NIGHT_MS = 8 * 3_600_000;

/** Ada, whose clock and link the test has. */
async function enterAda(
  enter: (name: string, visit: Visit) => Promise<ChatPage>,
): Promise<{ ada: ChatPage; link: Link }> {
  let link: Link | undefined;
  const ada = await enter('Ada', {
    prepare: async (page) => {
      await page.clock.install();
      link = await Link.of(page);
    },
  });
  return { ada, link: link! };
}

/** Ada writes, falls asleep before she has heard that it was taken, and misses
 * what Grace writes. */
async function fallAsleep(ada: ChatPage, link: Link,
  grace: ChatPage): Promise<void> {
  await ada.send('before');
  await grace.untilTexts(['before']);
  await expect(ada.status.outbox).toHaveText('0');
  link.silence({ toServer: true });
  await ada.send('on the brink');
  await grace.untilTexts(['before', 'on the brink']);
  link.silence();
  await grace.send('while asleep');
  await grace.untilTexts(['before', 'on the brink', 'while asleep']);
  await ada.untilTexts(['before']);
}

async function haveAll(ada: ChatPage, grace: ChatPage): Promise<void> {
  await ada.untilState('ready');
  await ada.send('good morning');
  for (const chat of [ada, grace]) {
    await chat.untilTexts(
      ['before', 'on the brink', 'while asleep', 'good morning']);
    await expect(chat.gaps).toHaveCount(0);
  }
  await expect(ada.waiting).toHaveCount(0);
  await grace.untilPerson('Ada', 'online');
  await expect(grace.person('Ada')).toHaveAttribute('data-windows', '1');
}

for (const [name, ms] of [['a nap', NAP_MS], ['a night', NIGHT_MS]] as const) {
  test(`after ${name} everything is there once`, async ({ enter }) => {
    const { ada, link } = await enterAda(enter);
    const grace = await enter('Grace');
    await fallAsleep(ada, link, grace);
    await ada.page.clock.fastForward(ms);
    await haveAll(ada, grace);
  });
}

test('a clock that stood still in sleep is no reason to wait',
  async ({ enter }) => {
    const { ada, link } = await enterAda(enter);
    const grace = await enter('Grace');
    await fallAsleep(ada, link, grace);
    // The wall clock goes on in sleep, performance.now() and timers do not.
    await ada.page.clock.setSystemTime(Date.now() + NAP_MS);
    await ada.setHidden(false);
    await haveAll(ada, grace);
  });

test('a hidden page whose timers come twice a minute reads along',
  async ({ enter }) => {
    const { ada, link } = await enterAda(enter);
    const grace = await enter('Grace');
    await grace.untilPerson('Ada', 'online');
    await ada.setHidden(true);
    await ada.page.clock.pauseAt(Date.now() + 5000);
    await grace.untilPerson('Ada', 'away');

    const texts: string[] = [];
    for (let turn = 1; turn <= 6; turn++) {
      texts.push(`turn ${turn}`);
      await grace.send(`turn ${turn}`);
      // What comes needs no timer.
      await ada.untilTexts(texts);
      await ada.page.clock.fastForward(30_000);
    }
    await ada.page.clock.resume();
    await ada.setHidden(false);
    await ada.untilState('ready');
    await ada.send('shown again');
    for (const chat of [ada, grace]) {
      await chat.untilTexts([...texts, 'shown again']);
      await expect(chat.gaps).toHaveCount(0);
    }
    await grace.untilPerson('Ada', 'online');
    // It was the same connection all the time.
    expect(link.attempts).toBe(1);
  });

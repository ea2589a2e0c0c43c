// SPDX-License-Identifier: MIT
// twenty-kills.spec.ts - the server is killed 20 times at random moments while two
// pages write 20 messages a second. SEED=n brings the moments of a run back.

import { randomFrom, seedOfRun } from '../../fixtures/random.js';
import { reconcile } from '../../fixtures/reconcile.js';
import { Recorder } from '../../fixtures/recorder.js';
import { attach, expect, test } from '../../fixtures/test.js';
import type { ChatPage } from '../../pages/chat-page.js';

const KILLS = 20;
const PER_SECOND = 20;
/** Up to this long after a start the server is killed again: some connections
 * are cut while they are opened or catch up, some while all is well. */
const LIFE_MS = 2000;
const DOWN_MS = 300;
/** A page that is starved of processor time may need another handshake. */
const SETTLE_MS = 40_000;

const settled = (chat: ChatPage): Promise<void> =>
  expect(chat.status.bar).toHaveAttribute('data-state', 'ready',
    { timeout: SETTLE_MS });

test(`${KILLS} kills lose nothing in silence`, async ({ enter, server }, info) => {
  test.setTimeout(240_000);
  const seed = seedOfRun();
  const random = randomFrom(seed);
  console.log(`seed ${seed}`);
  info.annotations.push({ type: 'seed', description: String(seed) });

  const options = { query: 'retry=aggressive' };
  const people = await Promise.all(['Ada', 'Grace'].map(async (name) => {
    const chat = await enter(name, options);
    await chat.mark();
    return { name, chat, recorder: await Recorder.attach(chat) };
  }));
  for (const { name, recorder } of people) {
    await recorder.startWriting(name, PER_SECOND);
  }

  for (let kill = 1; kill <= KILLS; kill++) {
    // Moments are what this test is about: here, and only here, time passes.
    await new Promise((resolve) => setTimeout(resolve, random() * LIFE_MS));
    await server.kill9();
    await new Promise((resolve) => setTimeout(resolve, random() * DOWN_MS));
    await server.start();
    // Every other time the crowd may settle before the next blow.
    if (random() < 0.5) {
      for (const { chat } of people) await settled(chat);
    }
  }

  const writers: { name: string; written: number }[] = [];
  for (const { name, recorder } of people) {
    writers.push({ name, written: await recorder.stopWriting() });
  }
  for (const { chat } of people) {
    await settled(chat);
    await expect(chat.status.outbox).toHaveText('0', { timeout: SETTLE_MS });
    await expect(chat.waiting).toHaveCount(0);
  }

  // What is written now comes through, and after everything else.
  for (const { name, chat } of people) await chat.send(`${name} is here`);
  for (const { chat } of people) {
    await expect(chat.texts().filter({ hasText: ' is here' })).toHaveCount(2);
    await chat.untilPerson('Ada', 'online');
    await chat.untilPerson('Grace', 'online');
    await expect(chat.people).toHaveCount(2);
    expect(await chat.isMarked()).toBe(true);
  }

  for (const { name, recorder } of people) {
    const shown = (await recorder.shown())
      .filter(({ text }) => !text.endsWith(' is here'));
    const result = reconcile(shown, writers.map((writer) =>
      ({ prefix: writer.name, written: writer.written, own: writer.name === name })));
    console.log(`${name} wrote ` +
      `${writers.find((w) => w.name === name)!.written}, saw ${result.shown}, ` +
      `missing behind gaps ${result.missing}, gaps ${JSON.stringify(result.gaps)}`);
    if (result.faults.length) {
      await attach(info, `${name}.json`, JSON.stringify(shown, null, 1));
    }
    expect(result.faults, `seed ${seed}, what ${name} saw`).toEqual([]);
    expect(Object.keys(result.gaps)).not.toHaveLength(0);
  }
});

// SPDX-License-Identifier: MIT
// recovery.test.mjs - the server dies under a chat, and pages are loaded again while
// they publish: everything is there, once and in order.

import assert from 'node:assert/strict';

import { ChatPage } from './pages/chat-page.mjs';
import { OutboxPage } from './pages/outbox-page.mjs';
import { AWAY, demoWith } from './support/demo.mjs';
import { eventually } from './support/eventually.mjs';

const KILLS = 3;
const RELOADS = 4;
const PER_BURST = 40;

const demo = demoWith(['ada', 'grace']);

/** "Ada 1" to "Ada n". */
const numbered = (prefix, count) =>
  Array.from({ length: count }, (_, i) => `${prefix} ${i + 1}`);

/** Those of one writer, in the order of the page. */
const of = (texts, prefix) =>
  texts.filter((text) => text.startsWith(`${prefix} `));

demo.test('kill -9, keep writing, start again: all is there once and in order',
  async ({ ada, grace, room, server }) => {
    const pages = { Ada: await new ChatPage(ada).enter(room),
      Grace: await new ChatPage(grace).enter(room) };
    for (const { browser } of [ada, grace]) {
      await browser.run(() => { window.isOnce = true; });
    }
    let written = 0;
    const write = async (count) => {
      for (const [name, page] of Object.entries(pages)) {
        await page.send(...numbered(name, written + count).slice(written));
      }
      written += count;
    };
    const untilAll = async () => {
      for (const [name, page] of Object.entries(pages)) {
        await eventually(async () => {
          const texts = await page.texts();
          for (const writer of Object.keys(pages)) {
            assert.deepEqual(of(texts, writer), numbered(writer, written), name);
          }
          assert.equal(texts.length, 2 * written);
        });
        await page.untilWaiting(0);
      }
      assert.deepEqual(await pages.Ada.texts(), await pages.Grace.texts());
    };

    for (let kill = 0; kill < KILLS; kill++) {
      await write(2);
      await untilAll();
      await server.kill();
      for (const page of Object.values(pages)) {
        await page.untilState('waiting', 'connecting', 'suspended');
      }
      await write(2);
      for (const page of Object.values(pages)) await page.untilWaiting(2);
      await server.start();
      await untilAll();
      // The history was in memory only, and the page says so each time.
      for (const page of Object.values(pages)) {
        await page.has('#messages > [data-gap=epoch-changed]', kill + 1);
        await page.untilPerson('Ada', 'online');
        await page.untilPerson('Grace', 'online');
      }
    }
    for (const { browser } of [ada, grace]) {
      assert.ok(await browser.run(() => window.isOnce), 'no page was loaded anew');
    }
  }, { complaints: AWAY });

demo.test('the wait is told, and need not be waited for',
  async ({ ada, room, server }) => {
    const page = await new ChatPage(ada).enter(room);
    await server.kill();
    await page.shows('#status-words', 'Connection lost');
    await page.shows('#status-retry', /^next attempt in \d+ s$/u);
    await server.start();
    // It may come back by itself in this very moment.
    await ada.browser.run(() => document.querySelector('#reconnect').click());
    await page.untilState('ready');
    assert.equal(await ada.browser.isVisible('#reconnect'), false);
  }, { complaints: AWAY });

demo.test('who would leave without what is not sent is asked first',
  async ({ ada, grace, room, server }) => {
    const page = await new ChatPage(ada).enter(room);
    const other = await new ChatPage(grace).enter(room);
    await server.kill();
    await page.untilState('waiting', 'connecting', 'suspended');
    await page.send('unsent');
    await page.untilWaiting(1);
    await ada.browser.click('#leave');
    assert.match(await ada.browser.question(), /Leave without them\?$/u);
    await ada.browser.answer(false);
    await server.start();
    await other.untilTexts('unsent');
    await page.untilTexts('unsent');
  }, { complaints: AWAY });

demo.test('reloads with an outbox that is stored: all is there, once and in order',
  async ({ ada, grace, room }) => {
    const reader = await new ChatPage(grace).enter(room);
    const outbox = new OutboxPage(ada);
    await outbox.open();
    for (let reload = 1; reload <= RELOADS; reload++) {
      // In every other turn some are acknowledged before.
      await outbox.publish(room, PER_BURST, { waits: reload % 2 === 0 });
      await ada.browser.reload();
    }
    await outbox.publish(room, 1, { waits: true });
    await reader.untilTexts(...numbered('Ada', RELOADS * PER_BURST + 1));
    await reader.has('#messages > [data-kind=gap]', 0);
    await eventually(async () => assert.equal(await outbox.numStored(), 0));
  });

demo.test('reloads while the chat sends: what was acknowledged is there, once',
  async ({ ada, grace, room }) => {
    const writer = await new ChatPage(ada).enter(room);
    const reader = await new ChatPage(grace).enter(room);
    for (let reload = 0; reload < RELOADS; reload++) {
      const prefix = `Ada${reload}`;
      await writer.sendBurst(prefix, PER_BURST);
      await eventually(async () =>
        assert.ok((await writer.texts()).includes(`${prefix} 1`)));
      const seen = of(await writer.texts(), prefix).length;
      await ada.browser.reload();
      await writer.untilState('ready');
      await writer.send(`end of ${prefix}`);
      await eventually(async () =>
        assert.equal((await reader.texts()).at(-1), `end of ${prefix}`));
      // A first part of the burst, without holes: at least what was acknowledged.
      const texts = of(await reader.texts(), prefix);
      assert.deepEqual(texts, numbered(prefix, texts.length));
      assert.ok(texts.length >= seen, `${texts.length} of ${seen}`);
    }
    await eventually(async () =>
      assert.deepEqual(await writer.texts(), await reader.texts()));
  });

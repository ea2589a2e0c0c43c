// SPDX-License-Identifier: MIT
// flood.spec.ts - more messages than anybody can read: the chat draws some of them,
// accounts for the others, and has them when it is quiet again.

import { openEmptyPage } from '../../fixtures/empty-page.js';
import { accountOf, flood, openAccount } from '../../fixtures/flood.js';
import { reconcile } from '../../fixtures/reconcile.js';
import { Recorder } from '../../fixtures/recorder.js';
import { expect, test } from '../../fixtures/test.js';
import type { ChatPage } from '../../pages/chat-page.js';

const MANY = 3000;
const PER_SECOND = 1000;
const FEW = 100;
/** One at a time, most frames with another. */
const STEADY = 300;
const STEADY_PER_SECOND = 40;
const TURNS = 5;
/** A flood that stays in the page. */
const SOME = 480;
const ROWS_MIN = 490;
const ROWS_MAX = 550;

/** The last message of a flood is shown, and nothing of it is folded any more. */
async function untilQuiet(chat: ChatPage, all: number): Promise<void> {
  await expect(chat.texts().last()).toHaveText(`flood ${all}`);
  await expect(chat.log).toHaveAttribute('aria-busy', 'false');
  await expect(chat.gaps).toHaveCount(0);
}

test('a flood is folded while it lasts, and unfolded after it',
  async ({ enter, page, room, server }) => {
    const ada = await enter('Ada');
    await openAccount(ada.page);
    await openEmptyPage(page, server);
    await flood(page, `room:${room}`, MANY, PER_SECOND);

    await untilQuiet(ada, MANY);
    const { faults, folded, last, wasBusy } = await accountOf(ada.page);
    expect(faults).toEqual([]);
    expect(last).toBe(MANY);
    expect(folded).toBeGreaterThan(0);
    expect(wasBusy).toBe(true);
    const rows = await ada.rows.count();
    expect(rows).toBeGreaterThanOrEqual(ROWS_MIN);
    expect(rows).toBeLessThanOrEqual(ROWS_MAX);
    await expect(ada.messages.last()).toBeInViewport();
  });

test('what was folded is in its place when it is drawn',
  async ({ enter, page, room, server }) => {
    const ada = await enter('Ada');
    const recorder = await Recorder.attach(ada);
    await openAccount(ada.page);
    await openEmptyPage(page, server);
    await flood(page, `room:${room}`, SOME, PER_SECOND);

    await untilQuiet(ada, SOME);
    expect((await accountOf(ada.page)).folded).toBeGreaterThan(0);
    const { faults, missing, shown } = reconcile(await recorder.shown(),
      [{ prefix: 'flood', written: SOME, own: false }]);
    expect(faults).toEqual([]);
    expect([shown, missing]).toEqual([SOME, 0]);
  });

test('who reads back in a flood stays where they read',
  async ({ enter, page, room, server }) => {
    const ada = await enter('Ada');
    await openEmptyPage(page, server);
    await flood(page, `room:${room}`, FEW, PER_SECOND);
    await expect(ada.texts().last()).toHaveText(`flood ${FEW}`);
    await ada.page.getByRole('region', { name: 'Conversation' }).focus();
    await ada.page.keyboard.press('Home');
    await expect(ada.messages.first()).toBeInViewport();
    const before = await ada.messages.nth(3).boundingBox();

    await flood(page, `room:${room}`, MANY, PER_SECOND);
    // Looking for a role among so many rows takes its time.
    const toNewest = ada.page.locator('#to-newest');
    await expect(toNewest).toHaveText('3,000 new messages ↓');
    expect(await ada.messages.nth(3).boundingBox()).toEqual(before);
    await expect(ada.texts().first()).toHaveText('flood 1');

    await toNewest.click();
    await expect(ada.texts().last()).toHaveText(`flood ${MANY}`);
    await expect(ada.texts().last()).toBeInViewport();
    await expect(toNewest).toBeHidden();
    await expect(ada.page.locator('#earlier')).toBeVisible();
  });

test('who goes up while messages come is not taken back down',
  async ({ enter, page, room, server }) => {
    const ada = await enter('Ada');
    await openEmptyPage(page, server);
    await flood(page, `room:${room}`, FEW, PER_SECOND);
    await expect(ada.texts().last()).toHaveText(`flood ${FEW}`);
    const isOver = flood(page, `room:${room}`, STEADY, STEADY_PER_SECOND);
    await ada.page.getByRole('region', { name: 'Conversation' }).focus();
    const toNewest = ada.page.locator('#to-newest');
    for (let i = 0; i < TURNS; i++) {
      await ada.page.keyboard.press('Home');
      await expect(ada.messages.first()).toBeInViewport();
      await expect(toNewest).toHaveText(/[1-9]\d new messages ↓/);
      await expect(ada.messages.first()).toBeInViewport();
      await ada.page.keyboard.press('End');
      await expect(toNewest).toBeHidden();
    }
    await isOver;
    await expect(ada.texts().last()).toHaveText(`flood ${STEADY}`);
    await expect(ada.texts().last()).toBeInViewport();
  });

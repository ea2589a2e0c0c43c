// SPDX-License-Identifier: MIT
// looks.mjs - every page of the gallery in the state that has the most to show, on a
// screen and on a phone. Pictures of all are left in build/test-logs/webkit/.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ChatPage } from '../pages/chat-page.mjs';
import { ConsolePage } from '../pages/console-page.mjs';
import { CursorsPage } from '../pages/cursors-page.mjs';
import { GalleryPage } from '../pages/gallery-page.mjs';
import { GatePage } from '../pages/gate-page.mjs';
import { BoardPage } from '../pages/board-page.mjs';
import { eventually } from './eventually.mjs';

const PICTURES = fileURLToPath(
  new URL('../../../build/test-logs/webkit/', import.meta.url));
const SIZES = { screen: [1280, 800], phone: [360, 740] };
const LONG = 'x'.repeat(60);

/** Name to the page, and what fills it. */
const FILL = {
  entrance: [GalleryPage, async () => {}],
  chat: [ChatPage, async (page) => {
    await page.send('Good morning', LONG.repeat(5), '🐦');
    await page.has('#messages > li', 3);
    await page.choose('Busy');
  }],
  join: [ChatPage, async (page) => {
    await page.person.go('chat/', '');
    await page.has('#join:not([hidden])');
    await page.browser.fill('#join-room', '!');
    await page.browser.click('#join-form [type=submit]');
    await page.has('.field-error:not([hidden])', 2);
  }],
  people: [ChatPage, async (page) => {
    // A phone shows them when it is asked to.
    const isAsked = await page.browser.isVisible('#people-toggle');
    if (isAsked) await page.browser.click('#people-toggle');
    await page.untilPerson('Ada', 'online');
    assert.ok(await page.browser.isVisible('#people-list'));
  }],
  details: [ChatPage, async (page) => {
    await page.browser.click('#details-toggle');
    await page.has('#details:not([hidden])');
  }],
  presence: [BoardPage, async (page) => {
    await page.browser.fill('#my-task', LONG);
    await page.browser.click('#find [type=submit]');
    await page.has('#found > li');
  }],
  cursors: [CursorsPage, async (page) => page.wave([0.5, 0.5])],
  dialog: [CursorsPage, async (page) => {
    await page.browser.click('#who');
    await page.has('#who-dialog[open]');
  }],
  gate: [GatePage, async (page) => {
    await page.move('locked');
    await page.untilGate('Locked');
    await page.press('open');
    await page.has('#answer[data-kind=error]');
    await page.hang(LONG);
    await page.shows('#sign', LONG);
  }],
  console: [ConsolePage, async (page) => {
    await page.call('The server', 'no.such.method', LONG.repeat(5));
    await page.has('[data-outcome=error]');
    await page.browser.select('#example', 'How many are here?');
    await page.browser.click('#call [type=submit]');
    await page.has('[data-outcome=answer]');
  }],
};

/** How bright a page and its controls are, 0 to 255: their grounds, their text. */
const brightness = (browser) => browser.run(() => {
  const of = (color) => Math.max(...color.match(/[\d.]+/gu).slice(0, 3).map(Number));
  const { backgroundColor, color } = getComputedStyle(document.body);
  return { ground: of(backgroundColor), text: of(color) };
});

/** Defines the cases, in light or dark. */
export function looksIn(demo, { isDark }) {
  const mode = isDark ? 'dark' : 'light';
  mkdirSync(PICTURES, { recursive: true });
  for (const [size, [width, height]] of Object.entries(SIZES)) {
    for (const [name, [Piece, fill]] of Object.entries(FILL)) {
      demo.test(`${name}, ${mode}, on a ${size}`, async ({ ada, room }) => {
        await ada.browser.resize(width, height);
        const page = new Piece(ada);
        await page.enter(room);
        await fill(page);
        const picture = await ada.browser.screenshot();
        writeFileSync(join(PICTURES, `${name}-${size}-${mode}.png`), picture);
        assert.equal(await page.overflow(), 0, 'pixels wider than the window');
        const { ground, text } = await brightness(ada.browser);
        assert.ok(isDark ? ground < 60 && text > 200 : ground > 200 && text < 60,
          `ground ${ground}, text ${text}`);
        await checkBars(ada.browser, height);
        await checkSelects(ada.browser);
      });
    }
  }
}

/** The bars above and below stay in the window, whatever there is between. */
async function checkBars(browser, height) {
  await eventually(async () => {
    const bottoms = await browser.run(() =>
      [...document.querySelectorAll('#status, #compose')]
        .filter((bar) => bar.offsetParent)
        .map((bar) => Math.round(bar.getBoundingClientRect().bottom)));
    for (const bottom of bottoms) assert.ok(bottom <= height, `${bottom}`);
  });
}

/** WebKit paints a select as the desktop has it, unless it is told not to. */
async function checkSelects(browser) {
  const ids = await browser.run(() =>
    [...document.querySelectorAll('select:enabled')]
      .filter((select) => select.offsetParent).map(({ id }) => id));
  for (const id of ids) {
    const { painted, styled } = await browser.ground(`#${id}`);
    assert.deepEqual(painted, styled, `the ground of #${id}`);
  }
}

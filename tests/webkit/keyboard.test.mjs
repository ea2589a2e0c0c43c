// SPDX-License-Identifier: MIT
// keyboard.test.mjs - everything without a mouse: the order of Tab, Enter that sends,
// and a focus that can be seen and does not get lost.

import assert from 'node:assert/strict';

import { ChatPage } from './pages/chat-page.mjs';
import { GatePage } from './pages/gate-page.mjs';
import { Page } from './pages/page.mjs';
import { AWAY, demoWith } from './support/demo.mjs';
import { eventually } from './support/eventually.mjs';

const demo = demoWith(['ada', 'grace']);

/** Until what has the focus says this to a screen reader. */
async function untilFocused({ browser }, label, role) {
  await eventually(async () => {
    const focused = await browser.focused();
    assert.equal(focused.label, label);
    if (role) assert.equal(focused.role, role);
  });
}

/** Presses a key again and again; each time the next of the labels has the focus. */
async function walk(page, key, labels) {
  for (const label of labels) {
    await page.browser.press(key);
    await untilFocused(page, label);
  }
}

demo.test('from the first screen to a message and back, by keyboard',
  async ({ ada, grace, room }) => {
    const other = await new ChatPage(grace).enter(room);
    const page = new ChatPage(ada);
    await ada.browser.focus();
    await ada.go('chat/', '');
    await untilFocused(page, 'Your name', 'textbox');
    await ada.browser.press('Ada', 'Tab');
    await untilFocused(page, 'Room', 'textbox');
    await ada.browser.press('Control+a', room, 'Enter');
    await untilFocused(page, 'Message', 'textbox');

    await ada.browser.press('first line', 'Shift+Enter', 'second line', 'Enter');
    await other.untilTexts('first line\nsecond line');
    await untilFocused(page, 'Message');

    // On from the field, and back to the top.
    await walk(page, 'Tab', ['Send', 'Change name or room', `# ${room}`]);
    await walk(page, 'Shift+Tab', ['Change name or room', 'Send', 'Message',
      'Conversation', 'Your state', 'Gallery', 'Skip to writing a message']);
    await ada.browser.press('Enter');
    await untilFocused(page, 'Message');
    assert.equal(await ada.browser.run(() => location.hash), `#${room}`);
  });

demo.test('details open and close by keyboard, and give the focus back',
  async ({ ada, room }) => {
    const page = await new ChatPage(ada).enter(room);
    await ada.browser.focus();
    await ada.browser.run(() => document.querySelector('#details-toggle').focus());
    await ada.browser.press('Enter');
    await untilFocused(page, 'Connection details', 'heading');
    await ada.browser.press('Escape');
    await untilFocused(page, 'Details', 'button');
    assert.equal(await ada.browser.isVisible('#details'), false);
  });

demo.test('the gate is moved by keyboard, and the focus stays',
  async ({ ada, grace, room }) => {
    const page = await new GatePage(ada).enter(room);
    const other = await new GatePage(grace).enter(room);
    await page.has('[data-to=locked][data-allowed=true]');
    await ada.browser.focus();
    await ada.browser.run(() => document.querySelector('[data-to=open]').focus());
    await walk(page, 'Tab', ['Lock']);
    await ada.browser.press('Enter');
    await other.untilGate('Locked');
    assert.equal(await ada.browser.run(() => document.activeElement.dataset.to),
      'locked');
  });

demo.test('name and room are changed in a dialog, by keyboard',
  async ({ ada, grace, room }) => {
    const page = await new Page({ person: ada, path: 'presence/' }).enter(room);
    await ada.browser.focus();
    await ada.browser.run(() => document.querySelector('#who').focus());
    await ada.browser.press('Enter');
    await untilFocused(page, 'Your name', 'textbox');
    await ada.browser.press('Escape');
    await page.has('#who-dialog[open]', 0);
    assert.equal(await ada.browser.run(() => document.activeElement.id), 'who');

    // The name is marked: typing takes its place. Enter takes it.
    await ada.browser.press('Enter');
    await untilFocused(page, 'Your name');
    await ada.browser.press('Lovelace', 'Enter');
    await page.has('#who-dialog[open]', 0);
    await page.shows('#who-name', 'Lovelace');
    const other = await new Page({ person: grace, path: 'presence/' }).enter(room);
    await other.has('.column [data-name=Lovelace]');
    await other.has('.column [data-name=Ada]', 0);
  });

demo.test('the focus can be seen', async ({ ada, room }) => {
  const page = await new ChatPage(ada).enter(room);
  await ada.browser.focus();
  await ada.browser.click('#compose-input');
  await walk(page, 'Tab', ['Send']);
  assert.equal(await ada.browser.run(() =>
    getComputedStyle(document.activeElement).outlineStyle), 'solid');
});

demo.test('the focus does not get lost with the button that had it',
  async ({ ada, room, server }) => {
    const page = await new ChatPage(ada).enter(room);
    await ada.browser.focus();
    await server.kill();
    await eventually(async () =>
      assert.ok(await ada.browser.isVisible('#reconnect')));
    await ada.browser.run(() => document.querySelector('#reconnect').focus());
    await server.start();
    await page.untilState('ready');
    await untilFocused(page, 'Message');
  }, { complaints: AWAY });

demo.test('what has the focus is not under the status bar',
  async ({ ada, room }) => {
    await ada.browser.resize(360, 740);
    await new GatePage(ada).enter(room);
    await ada.browser.focus();
    await ada.browser.run(() => document.querySelector('#who').focus());
    const seen = [];
    for (;;) {
      await ada.browser.press('Tab');
      const id = await ada.browser.run(() => document.activeElement.id);
      if (id === 'link-switch') break;
      seen.push(id);
      assert.ok(seen.length < 20, `${seen} and no end`);
      await eventually(async () => {
        const [bottom, top] = await ada.browser.run(() => [
          document.activeElement.getBoundingClientRect().bottom,
          document.querySelector('#status').getBoundingClientRect().top]);
        assert.ok(bottom <= top, `${id} ends at ${bottom}, the bar begins at ${top}`);
      });
    }
    assert.ok(seen.includes('sign-field'), String(seen));
  });

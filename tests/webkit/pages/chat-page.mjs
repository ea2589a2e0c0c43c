// SPDX-License-Identifier: MIT
// chat-page.mjs - a room of the chat, as a person sees it.

import assert from 'node:assert/strict';

import { eventually } from '../support/eventually.mjs';
import { Page } from './page.mjs';

export class ChatPage extends Page {
  constructor(person) {
    super({ person, path: 'chat/' });
  }

  /** Through the first screen, as somebody who comes for the first time. */
  async join(name, room) {
    await this.person.go('chat/', '');
    await this.browser.fill('#join-name', name);
    await this.browser.fill('#join-room', room);
    await this.browser.click('#join-form [type=submit]');
    await this.untilState('ready');
  }

  /** By the keyboard: Enter sends. */
  async send(...texts) {
    await this.browser.click('#compose-input');
    for (const text of texts) await this.browser.press(text, 'Enter');
  }

  /** "PREFIX 1" to "PREFIX count" at once, through the page's own form. */
  async sendBurst(prefix, count) {
    await this.browser.run((name, n) => {
      const form = document.querySelector('#compose');
      for (let i = 1; i <= n; i++) {
        form.querySelector('textarea').value = `${name} ${i}`;
        form.requestSubmit();
      }
    }, prefix, count);
  }

  /** What was said, in the order of the stream. */
  texts() {
    return this.browser.texts('#messages .message-text');
  }

  async untilTexts(...expected) {
    await eventually(async () => assert.deepEqual(await this.texts(), expected));
  }

  /** Somebody is in the list, in this state; null: not in the list. */
  async untilPerson(name, state) {
    await eventually(async () => assert.equal(await this.browser.attribute(
      `#people-list > [data-name="${name}"]`, 'data-presence'), state, name));
  }

  /** Until so many wait to be sent. */
  untilWaiting(count) {
    return this.has('#waiting > li', count);
  }

  async choose(state) {
    await this.browser.select('#own-state', state);
  }
}

// SPDX-License-Identifier: MIT
// page.mjs - what all pieces of the gallery have: the way in, the status bar below,
// and no more width than the window.

import assert from 'node:assert/strict';

import { eventually } from '../support/eventually.mjs';

export class Page {
  /** path: of the piece, such as 'gate/'. */
  constructor({ person, path }) {
    this.person = person;
    this.browser = person.browser;
    this.path = path;
  }

  /** Into a room, and until it is connected. */
  async enter(room) {
    await this.person.go(`${this.path}#${room}`);
    await this.untilState('ready');
    return this;
  }

  /** One of these: a state may be over before it is looked at. */
  async untilState(...states) {
    await eventually(async () => {
      const state = await this.browser.attribute('#status', 'data-state');
      assert.ok(states.includes(state), `${state}, not ${states.join(' or ')}`);
    });
  }

  /** Until a selector's texts are these: strings, or regular expressions. */
  async shows(css, ...expected) {
    await eventually(async () => {
      const texts = await this.browser.texts(css);
      assert.ok(texts.length === expected.length && texts.every((text, i) =>
        expected[i] instanceof RegExp ? expected[i].test(text)
          : text === expected[i]),
      `${css} is ${JSON.stringify(texts)}, not ${expected.join(', ')}`);
    });
  }

  /** Until a selector finds so many. */
  async has(css, count = 1) {
    await eventually(async () => assert.equal(await this.browser.count(css), count,
      css));
  }

  /** Pixels that the page is wider than its window. */
  overflow() {
    return this.browser.run(() => document.documentElement.scrollWidth -
      document.documentElement.clientWidth);
  }
}

// SPDX-License-Identifier: MIT
// gate-page.mjs - the gate: its state, its buttons, what happened to it, its sign.

import { Page } from './page.mjs';

export class GatePage extends Page {
  constructor(person) {
    super({ person, path: 'gate/' });
  }

  /** Waits until the server has said that it may be, and presses the button. */
  async move(to) {
    await this.has(`[data-to=${to}][data-allowed=true]`);
    await this.press(to);
  }

  /** Whether it may be or not. */
  press(to) {
    return this.browser.click(`[data-to=${to}]`);
  }

  /** What the gate is, such as 'Locked'. */
  untilGate(word) {
    return this.shows('#state', word);
  }

  /** What happened last. */
  untilNewest(deed) {
    return this.shows('#history > li:first-child .deed', deed);
  }

  untilAnswer(answer) {
    return this.shows('#answer', answer);
  }

  async hang(text) {
    await this.browser.fill('#sign-field', text);
    await this.browser.click('#sign-form [type=submit]');
  }
}

// SPDX-License-Identifier: MIT
// gallery-page.mjs - the entrance: whether the server is there, and the ways in.

import { Page } from './page.mjs';

export class GalleryPage extends Page {
  constructor(person) {
    super({ person, path: '' });
  }

  async enter() {
    await this.person.go('');
    await this.untilLive(/^Connected/u);
    return this;
  }

  untilLive(words) {
    return this.shows('#live-words', words);
  }

  /** What the card of a piece says about who is there. */
  untilHere(piece, words) {
    return this.shows(`[data-piece=${piece}] .here`, words);
  }

  async follow(piece) {
    await this.browser.click(`[data-piece=${piece}] a`);
  }
}

// SPDX-License-Identifier: MIT
// cursors-page.mjs - the surface on which everybody's pointer is seen.

import assert from 'node:assert/strict';

import { eventually } from '../support/eventually.mjs';
import { Page } from './page.mjs';

export class CursorsPage extends Page {
  constructor(person) {
    super({ person, path: 'cursors/' });
  }

  /** The mouse over the surface, to each place in turn. */
  async move(...places) {
    await this.browser.move('#stage', places);
  }

  /** A click where the mouse is brought to. */
  async wave(place) {
    await this.browser.move('#stage', [place], 'Down', 'Up');
  }

  /** Somebody's cursor has come to this place, in percent. */
  async untilCursor(name, left, top) {
    await eventually(async () => assert.deepEqual(await this.browser.run((who) => {
      const { style } = document.querySelector(`.cursor[data-name="${who}"]`);
      return [style.left, style.top].map((length) =>
        Math.round(parseFloat(length)));
    }, name), [left, top], name));
  }

  untilCursors(count) {
    return this.has('.cursor', count);
  }

  untilHere(count) {
    return this.has('#here > li', count);
  }
}

// SPDX-License-Identifier: MIT
// board-page.mjs - the presence board: oneself, and everybody by state.

import { Page } from './page.mjs';

export class BoardPage extends Page {
  constructor(person) {
    super({ person, path: 'presence/' });
  }

  async choose(state) {
    await this.browser.click(`#me [value=${state}]`);
  }

  /** Somebody is in the column of this state. */
  untilIn(state, name) {
    return this.has(`.column[data-state=${state}] [data-name="${name}"]`);
  }

  /** Nobody of this name is in any column. */
  untilGone(name) {
    return this.has(`.column [data-name="${name}"]`, 0);
  }

  /** What somebody's card says. */
  untilCard(name, text) {
    return this.shows(`.column [data-name="${name}"]`, text);
  }
}

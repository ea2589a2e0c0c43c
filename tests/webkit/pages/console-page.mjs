// SPDX-License-Identifier: MIT
// console-page.mjs - the console: calls out of a window, and what others call in it.

import { Page } from './page.mjs';

const NEWEST = '#log > li:first-child';

export class ConsolePage extends Page {
  constructor(person) {
    super({ person, path: 'console/' });
  }

  /** whom: as the list shows it, such as 'The server'. */
  async call(whom, method, data) {
    await this.browser.select('#call-to', whom);
    await this.browser.fill('#call-method', method);
    await this.browser.fill('#call-data', JSON.stringify(data));
    await this.browser.click('#call [type=submit]');
  }

  /** Who can be called. */
  untilOthers(...names) {
    return this.shows('#call-to > option', ...names);
  }

  /** What came of the newest call. */
  untilResult(text) {
    return this.shows(`${NEWEST} .result`, text);
  }

  untilError(text) {
    return this.shows(`${NEWEST} .error-line`, text);
  }

  /** Where it went or came from, and which method. */
  untilCall(text) {
    return this.shows(`${NEWEST} .entry-head`, text);
  }

  /** By hand, what somebody asks. */
  async answer(text) {
    await this.browser.fill('#questions input', text);
    await this.browser.click('#questions [type=submit]');
  }
}

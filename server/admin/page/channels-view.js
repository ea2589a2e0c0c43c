// SPDX-License-Identifier: MIT
// channels-view.js - the channels, and how many are in them.

import { Table, numberColumn, textColumn } from './table.js';
import { numberText } from './text.js';

/** At most so many are shown. */
const SHOWN = 100;

export class ChannelsView {
  #prefix = document.getElementById('filter-channel');
  #table = new Table(document.getElementById('channels'), {
    label: 'Channels',
    none: 'No such channel.',
    keyOf: ({ channel }) => channel,
    columns: [
      textColumn('Name', ({ channel }) => channel, 'is-mono'),
      numberColumn('Subscribers', ({ subscribers = 0 }) =>
        numberText(subscribers)),
      numberColumn('Present', ({ members = 0 }) => numberText(members)),
      numberColumn('Kept', ({ kept = 0 }) => numberText(kept)),
    ],
  });

  get request() {
    return { prefix: this.#prefix.value.trim(), limit: SHOWN };
  }

  show(channels = []) {
    this.#table.show(channels.slice(0, SHOWN), channels.length < SHOWN ? '' :
      `Only ${SHOWN} are shown: say how a name begins to see others.`);
  }
}

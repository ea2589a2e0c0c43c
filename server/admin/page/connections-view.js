// SPDX-License-Identifier: MIT
// connections-view.js - who is connected, and the button that ends it.

import { Table, numberColumn, textColumn } from './table.js';
import { durationText } from './text.js';

/** At most so many are shown. */
const SHOWN = 100;

const KINDS = { connected: 'good', idle: 'off', reconnecting: 'warn',
  error: 'bad' };

/** Each worker tells its own: they stand in an order that stays. */
const byName = (a, b) => (a.user ?? '').localeCompare(b.user ?? '') ||
  a.connection.localeCompare(b.connection);

const userText = ({ user }) => user || 'nobody';

export class ConnectionsView {
  #table;
  #user = document.getElementById('filter-user');
  #state = document.getElementById('filter-state');
  #nowMs = 0;

  /** onEnd is told of a connection that somebody wants to end. */
  constructor(onEnd) {
    this.#table = new Table(document.getElementById('connections'), {
      label: 'Connections',
      none: 'No such connection.',
      keyOf: ({ connection }) => connection,
      columns: [
        textColumn('User', userText),
        { head: 'State', className: '', show: showState },
        textColumn('From', ({ peer = '' }) => peer, 'is-mono'),
        textColumn('Client', ({ agent = '' }) => agent, 'is-quiet'),
        textColumn('For', ({ sinceMs }) => this.#age(sinceMs), 'is-quiet'),
        numberColumn('Channels', ({ subscriptions = 0 }) => subscriptions),
        { head: 'Action', className: 'is-action', isHidden: true,
          show: (cell, item) => showButton(cell, item, onEnd) },
      ],
    });
  }

  /** What the filter asks for. */
  get request() {
    return { user: this.#user.value.trim(), state: this.#state.value,
      limit: SHOWN };
  }

  show(connections = [], nowMs) {
    this.#nowMs = nowMs;
    this.#table.show(connections.slice(0, SHOWN).sort(byName), connections.length < SHOWN ? '' :
      `Only ${SHOWN} are shown: name a user to see the others.`);
  }

  #age(sinceMs) {
    return sinceMs ? durationText(this.#nowMs - Number(sinceMs)) : '';
  }
}

function showState(cell, { state }) {
  if (cell.dataset.state === state) return;
  cell.dataset.state = state;
  const words = document.createElement('span');
  const mark = document.createElement('span');
  words.className = 'state';
  words.dataset.kind = KINDS[state] ?? 'off';
  mark.className = 'mark';
  mark.setAttribute('aria-hidden', 'true');
  words.append(mark, state);
  cell.replaceChildren(words);
}

function showButton(cell, item, onEnd) {
  const isOpen = item.state === 'connected' || item.state === 'idle';
  let button = cell.firstElementChild;
  if (!button) {
    button = document.createElement('button');
    button.type = 'button';
    button.className = 'button small';
    button.textContent = 'Disconnect';
    cell.append(button);
  }
  button.hidden = !isOpen;
  button.setAttribute('aria-label', `Disconnect ${userText(item)}`);
  button.onclick = () => onEnd({ ...item, name: userText(item) });
}

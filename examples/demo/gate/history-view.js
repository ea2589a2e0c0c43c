// history-view.js - what happened to the gate, newest first: who, what, when.

import { byId, make } from '../common/dom.js';
import { hueOf, initials, nameOf, preciseTimeOf } from '../common/text.js';
import { byItself, deed, stateWord } from './states.js';

const ENTRIES_MAX = 60;

export class HistoryView {
  #list = byId('history');
  #empty = byId('history-empty');

  /** A change; found: it happened before this page knew the gate. */
  add({ from, to, found, publication }) {
    const { user, clientId, time } = publication;
    const isNobody = clientId === null && !user;
    const name = isNobody ? 'The application' : nameOf(user, clientId);
    const word = stateWord(to);
    if (found) {
      this.#put(to, time, isNobody ? null : name,
        `Found ${word.toLowerCase()}`,
        ...(isNobody ? [] : [', as ', make('bdi', {}, name), ' left it']));
    } else if (isNobody && byItself(from)?.to === to) {
      this.#put(to, time, null, `${word}, by itself`);
    } else {
      this.#put(to, time, name, make('bdi', {}, name), ` ${deed(from, to)}`);
    }
  }

  /** The state is not there any more. */
  addLoss(words) {
    this.#put('closed', Date.now(), null, words);
  }

  clear() {
    this.#list.replaceChildren();
    this.#empty.hidden = false;
  }

  #put(state, time, name, ...words) {
    const picture = name === null
      ? make('span', { class: 'no-avatar', 'aria-hidden': 'true' })
      : make('span', { class: 'avatar', 'aria-hidden': 'true',
        'data-hue': hueOf(name) }, initials(name));
    this.#list.prepend(make('li', { 'data-state': state,
      'data-who': name ?? '' }, picture,
    make('span', { class: 'deed' }, ...words),
    make('time', { class: 'note' }, preciseTimeOf(time))));
    this.#empty.hidden = true;
    if (this.#list.childElementCount > ENTRIES_MAX) {
      this.#list.lastElementChild.remove();
    }
  }
}

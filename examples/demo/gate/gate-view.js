// gate-view.js - the gate, its state, a button to each one, and why a move
// was refused.

import { byId, make, setText } from '../common/dom.js';
import { errorSentence } from '../common/words.js';
import { actOf, byItself, STATES, stateWord } from './states.js';

/** How often the countdown is looked at; it shows whole seconds. */
const TICK_MS = 250;

export class GateView {
  #state = null;
  #leavesAt = 0;
  #ticker = 0;
  #buttons;

  /** onMove(to): somebody wants it to be in another state. */
  constructor(onMove) {
    this.#buttons = new Map(Object.keys(STATES).map((to) => {
      const note = make('span', { class: 'note' });
      const word = make('span', { class: 'act' });
      const button = make('button', { class: 'button', type: 'button',
        'data-to': to }, word, note);
      button.addEventListener('click', () => onMove(to));
      return [to, { button, word, note }];
    }));
    byId('moves').replaceChildren(
      ...[...this.#buttons.values()].map(({ button }) => button));
  }

  /** leavesInMs: until it leaves the state by itself, if it does. */
  show(state, leavesInMs = null) {
    this.#state = state;
    byId('gate').dataset.state = state;
    setText(byId('state'), stateWord(state));
    this.#leavesAt = leavesInMs === null ? 0 : Date.now() + leavesInMs;
    clearInterval(this.#ticker);
    if (this.#leavesAt) {
      this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    }
    this.#tick();
    this.allow(null);
  }

  /** States that it may be moved to, as the server says; null: not known yet. */
  allow(allowed) {
    for (const [to, { button, word, note }] of this.#buttons) {
      const isOpen = allowed?.includes(to) ?? false;
      button.classList.toggle('primary', isOpen);
      button.dataset.allowed = String(isOpen);
      button.dataset.current = String(to === this.#state);
      setText(word, actOf(this.#state, to));
      setText(note, to === this.#state ? 'as it is'
        : allowed && !isOpen ? 'not from here' : '');
    }
  }

  waits() {
    byId('answer').dataset.kind = 'waiting';
    byId('answer').replaceChildren('waiting for the server…');
  }

  /** What came of the last move; null: it happened. */
  answer(error) {
    byId('answer').dataset.kind = error ? 'error' : 'done';
    byId('answer').replaceChildren(...(error ? partsOf(error) : []));
  }

  #tick() {
    const ms = this.#leavesAt - Date.now();
    const words = byItself(this.#state)?.words;
    setText(byId('leaves'), !this.#leavesAt ? '' : ms > 0
      ? `${words} by itself in ${Math.ceil(ms / 1000)} s`
      : `${words} by itself now`);
  }
}

function partsOf(error) {
  const { code, name, allowed } = error;
  const parts = [make('strong', {}, code === undefined ? name : `${code} ${name}`),
    ` ${errorSentence(error)}`];
  if (allowed?.length) {
    parts.push(make('span', { class: 'allowed' }, 'From here: ',
      ...allowed.map((state) => make('span', { class: 'tag' },
        stateWord(state)))));
  }
  return parts;
}

// self.js - what this person tells of itself, and that it is still there.
//
// The server makes away who does nothing, so moving the mouse has to be told: at
// most once in a while, by telling the same again.

import { byId, setText } from '../common/dom.js';
import { stateWord } from './states.js';

/** Being active is told this often; well below the time to away. */
const ACT_MS = 5000;
/** When the server says otherwise, at once, but not with each pixel. */
const BACK_MS = 500;
/** Typing is told when it pauses. */
const TYPING_MS = 300;

export class Self {
  #form = byId('me');
  #sub = null;
  #seen = null;
  #actAt = 0;
  #typingTimer = 0;

  constructor() {
    // Also what changes while it is written.
    this.#form.addEventListener('input', () => {
      clearTimeout(this.#typingTimer);
      this.#typingTimer = setTimeout(() => this.#tell(), TYPING_MS);
    });
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#tell();
    });
    for (const name of ['pointermove', 'pointerdown', 'keydown', 'wheel']) {
      window.addEventListener(name, () => this.#act(), { passive: true });
    }
  }

  get state() {
    return new FormData(this.#form).get('state') ?? 'online';
  }

  /** Empty fields are not told, so that a search finds them absent. */
  get data() {
    const floor = byId('my-floor').valueAsNumber;
    const all = { task: byId('my-task').value.trim(),
      team: byId('my-team').value, floor };
    return Object.fromEntries(Object.entries(all)
      .filter(([, value]) => value !== '' && !Number.isNaN(value)));
  }

  enter(sub) {
    this.#sub = sub;
    this.#tell();
  }

  leave() {
    this.#sub.leave();
    this.#sub = null;
  }

  /** What the server says of this page; undefined: it is not in the list. */
  see(member) {
    this.#seen = member ?? null;
    setText(byId('my-note'), !member || member.state === this.state ? ''
      : `The server says that you are ${stateWord(member.state).toLowerCase()}.`);
  }

  #act() {
    const isSeenSo = this.#seen?.state === this.state;
    if (Date.now() - this.#actAt < (isSeenSo ? ACT_MS : BACK_MS)) return;
    this.#tell();
  }

  #tell() {
    clearTimeout(this.#typingTimer);
    this.#actAt = Date.now();
    this.#sub?.enter(this.state, this.data);
  }
}

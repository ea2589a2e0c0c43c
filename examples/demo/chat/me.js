// me.js - what this person's presence says: the chosen state, away while nobody
// is at the page, and whether a message is being written.

/** A look at another tab is not an absence. */
const HIDDEN_MS = 3000;
const IDLE_MS = 5 * 60 * 1000;
/** Typing ends this long after the last key. */
const TYPING_MS = 4000;

export class Me {
  #chosen = 'online';
  #absent = false;
  #typing = false;
  #typingTimer = 0;
  #absentTimer = 0;
  #onChange;

  /** onChange() is called after state or data have become different. */
  constructor(onChange) {
    this.#onChange = onChange;
    document.addEventListener('visibilitychange', () => this.#watch());
    for (const name of ['pointerdown', 'pointermove', 'keydown', 'wheel',
      'touchstart', 'focus']) {
      window.addEventListener(name, () => this.#watch(), { passive: true });
    }
    this.#watch();
  }

  get state() {
    return this.#absent && this.#chosen === 'online' ? 'away' : this.#chosen;
  }

  get data() {
    return { typing: this.#typing };
  }

  choose(state) {
    this.#change(() => {
      this.#chosen = state;
    });
  }

  setTyping(typing) {
    clearTimeout(this.#typingTimer);
    if (typing) {
      this.#typingTimer = setTimeout(() => this.setTyping(false), TYPING_MS);
    }
    this.#change(() => {
      this.#typing = typing;
    });
  }

  /** Somebody is there, unless the page is hidden; look again later. */
  #watch() {
    const hidden = document.visibilityState === 'hidden';
    clearTimeout(this.#absentTimer);
    this.#absentTimer = setTimeout(() => this.#setAbsent(true),
      hidden ? HIDDEN_MS : IDLE_MS);
    if (!hidden) this.#setAbsent(false);
  }

  #setAbsent(absent) {
    this.#change(() => {
      this.#absent = absent;
    });
  }

  #change(apply) {
    const before = `${this.state} ${this.#typing}`;
    apply();
    if (`${this.state} ${this.#typing}` !== before) this.#onChange();
  }
}

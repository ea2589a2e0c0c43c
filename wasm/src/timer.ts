// SPDX-License-Identifier: MIT
// timer.ts - the one timer of a client.

import type { Clock } from './clock.js';
import { soon } from './inbox.js';

/** setTimeout counts in 32 bits with a sign. */
const LONGEST_MS = 0x7fff_ffff;

export class Timer {
  readonly #clock: Clock;
  readonly #due: () => void;
  readonly #slept: () => void;
  #deadline = Infinity;
  #isTired = false;
  #running: ReturnType<typeof setTimeout> | undefined;

  /** slept: the timer fired, and meanwhile the machine had been asleep. */
  constructor(clock: Clock, due: () => void, slept: () => void) {
    this.#clock = clock;
    this.#due = due;
    this.#slept = slept;
  }

  /** Replaces the last wish. Infinity: no timer; 0: as soon as the code that
   * runs has ended, which may be a page's last; but only once until the host had
   * time for others, who would wait for ever if a handler answered each end with
   * a new beginning. */
  _set(delayMs: number): void {
    this.#deadline = this.#clock._now() + delayMs;
    if (delayMs) {
      this.#wait();
      return;
    }
    if (!this.#isTired) queueMicrotask(() => this.#look());
    this.#isTired = true;
    soon(() => {
      this.#isTired = false;
      this.#look();
    });
  }

  #wait(): void {
    clearTimeout(this.#running);
    if (this.#deadline === Infinity) return;
    const delayMs = this.#deadline - this.#clock._now();
    this.#running = setTimeout(() => {
      if (this.#clock._check()) this.#slept();
      this.#look();
    }, Math.min(delayMs, LONGEST_MS));
  }

  #look(): void {
    if (this.#deadline > this.#clock._now()) {
      this.#wait();
    } else {
      this.#deadline = Infinity;
      this.#due();
    }
  }
}

// SPDX-License-Identifier: MIT
// timer.ts - the one timer of a client.

import type { Clock } from './clock.js';

/** setTimeout counts in 32 bits with a sign. */
const LONGEST_MS = 0x7fff_ffff;

/**
 * The core moves its deadline with nearly every message, nearly always to later.
 * So a timer that runs is left alone when the new deadline is later, and looks
 * at the clock when it fires.
 */
export class Timer {
  readonly #clock: Clock;
  readonly #due: () => void;
  readonly #slept: () => void;
  #deadline = Infinity;
  #running: ReturnType<typeof setTimeout> | undefined;
  #firesAt = Infinity;
  #soon = false;

  /** slept: the timer fired, and meanwhile the machine had been asleep. */
  constructor(clock: Clock, due: () => void, slept: () => void) {
    this.#clock = clock;
    this.#due = due;
    this.#slept = slept;
  }

  /** Replaces the last wish. Below 0: no timer; 0: as soon as the code that runs
   * has ended. */
  _set(delayMs: number): void {
    if (delayMs === 0) {
      this.#deadline = 0;
      this.#fireSoon();
      return;
    }
    this.#deadline = delayMs < 0 ? Infinity : this.#clock._now() + delayMs;
    if (this.#deadline === Infinity) this.#stop();
    else if (this.#deadline < this.#firesAt) this.#start();
  }

  #fireSoon(): void {
    if (this.#soon) return;
    this.#soon = true;
    queueMicrotask(() => {
      this.#soon = false;
      this.#fire();
    });
  }

  #start(): void {
    this.#stop();
    this.#firesAt = this.#deadline;
    const delay = Math.max(0, Math.ceil(this.#deadline - this.#clock._now()));
    this.#running = setTimeout(() => {
      this.#firesAt = Infinity;
      if (this.#clock._check()) this.#slept();
      this.#fire();
    }, Math.min(delay, LONGEST_MS));
  }

  #stop(): void {
    clearTimeout(this.#running);
    this.#firesAt = Infinity;
  }

  #fire(): void {
    if (this.#deadline <= this.#clock._now()) {
      this.#deadline = Infinity;
      this.#due();
    } else if (this.#deadline < this.#firesAt) {
      this.#start();
    }
  }
}

// SPDX-License-Identifier: MIT
// clock.ts - a clock that never goes back and does not stand still while the
// machine sleeps.

/** A jump of the wall clock that is taken for sleep, not for drift between the
 * two clocks or for a small correction of the wall clock. */
const JUMP_MS = 2000;

/**
 * performance.now() stops during sleep on some systems, Date.now() follows the
 * user's settings: the first is the clock, and what the second is ahead after a
 * wake-up is added to it. A wall clock that is put forward by hand looks like
 * sleep, as long as that: what has a deadline by then is over, and the core probes
 * or opens anew a connection that was fine.
 */
export class Clock {
  #ahead = 0;
  #difference = Date.now() - performance.now();

  _now(): number {
    return performance.now() + this.#ahead;
  }

  /** Compares the clocks; returns whether the machine seems to have slept. */
  _check(): boolean {
    const difference = Date.now() - performance.now();
    const jump = difference - this.#difference;
    this.#difference = difference;
    if (jump < JUMP_MS) return false;
    this.#ahead += jump;
    return true;
  }
}

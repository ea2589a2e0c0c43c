// pace.js - how often rows are drawn in a flood: a few times a second where that is
// easy, and seldom where the frame that shows them takes long.

/** Of the time, what such frames may take. */
const SHARE = 1 / 10;
const LEAST_MS = 250;
const MOST_MS = 1500;

export class Pace {
  #frameMs = 0;

  /** Until rows are drawn again. */
  get waitMs() {
    return Math.min(MOST_MS, Math.max(LEAST_MS, this.#frameMs / SHARE));
  }

  /** Rows have been drawn: looks at the frame that shows them. */
  watch() {
    requestAnimationFrame((begin) => requestAnimationFrame((end) => {
      this.#frameMs = end - begin;
    }));
  }
}

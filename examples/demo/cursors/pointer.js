// pointer.js - one's own cursor, by mouse, finger, pen or keyboard, as parts of the
// surface: x and y from 0 to 1.

/** One press of an arrow key; with Shift. */
const STEP = 0.02;
const LONG_STEP = 0.1;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
  ArrowDown: [0, 1] };

const within = (n) => Math.min(1, Math.max(0, n));

export class Pointer {
  #element;
  #place = { x: 0.5, y: 0.5 };
  #onMove;
  #onWave;

  /** onMove(place), onWave(place) get { x, y }. */
  constructor(element, { onMove, onWave }) {
    this.#element = element;
    this.#onMove = onMove;
    this.#onWave = onWave;
    element.addEventListener('pointermove', (event) => this.#moveTo(event));
    element.addEventListener('pointerdown', (event) => {
      this.#moveTo(event);
      onWave(this.#place);
    });
    element.addEventListener('keydown', (event) => this.#onKey(event));
  }

  #moveTo({ clientX, clientY }) {
    const box = this.#element.getBoundingClientRect();
    this.#place = { x: within((clientX - box.left) / box.width),
      y: within((clientY - box.top) / box.height) };
    this.#onMove(this.#place);
  }

  #onKey(event) {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.#onWave(this.#place);
      return;
    }
    const direction = KEYS[event.key];
    if (!direction) return;
    event.preventDefault();
    const step = event.shiftKey ? LONG_STEP : STEP;
    this.#place = { x: within(this.#place.x + direction[0] * step),
      y: within(this.#place.y + direction[1] * step) };
    this.#onMove(this.#place);
  }
}

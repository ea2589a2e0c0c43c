// stage.js - draws the cursors of others. Places come 25 times a second; between
// them each cursor glides to where it is known to be.

import { byId, make, setText } from '../common/dom.js';
import { hueOf } from '../common/text.js';

/** A cursor has gone two thirds of the way after this long. */
const GLIDE_MS = 45;
/** This close it has arrived. */
const NEAR = 0.0005;
/** One that has not moved for so long steps back. */
const STILL_MS = 8000;
const WAVE_MS = 900;
const SVG = 'http://www.w3.org/2000/svg';

const wantsNoMotion = matchMedia('(prefers-reduced-motion: reduce)');

export class Stage {
  #element = byId('stage');
  #cursors = new Map();
  #frame = 0;
  #before = 0;

  move(id, name, { x, y }) {
    const cursor = this.#cursors.get(id) ?? this.#add(id, name, x, y);
    cursor.to = { x, y };
    cursor.element.classList.remove('is-still');
    clearTimeout(cursor.stillTimer);
    cursor.stillTimer = setTimeout(
      () => cursor.element.classList.add('is-still'), STILL_MS);
    this.#wake();
  }

  /** A ring that grows and fades; of somebody, or of oneself (null). */
  wave({ x, y }, id) {
    const hue = id === null ? 'own' : this.#cursors.get(id)?.hue;
    const ring = make('span', { class: 'wave', 'data-hue': hue,
      'aria-hidden': 'true' });
    place(ring, x, y);
    this.#element.append(ring);
    setTimeout(() => ring.remove(), WAVE_MS);
  }

  /** Only these are still there. */
  keep(ids) {
    for (const [id, { element, stillTimer }] of this.#cursors) {
      if (ids.has(id)) continue;
      clearTimeout(stillTimer);
      element.remove();
      this.#cursors.delete(id);
    }
  }

  #add(id, name, x, y) {
    const hue = hueOf(name);
    const label = make('bdi', { class: 'cursor-name' });
    setText(label, name);
    const element = make('div', { class: 'cursor', 'data-hue': hue,
      'data-name': name, 'aria-hidden': 'true' }, arrow(), label);
    const cursor = { element, hue, at: { x, y }, to: { x, y }, stillTimer: 0 };
    place(element, x, y);
    this.#cursors.set(id, cursor);
    this.#element.append(element);
    return cursor;
  }

  #wake() {
    if (this.#frame) return;
    this.#before = performance.now();
    this.#frame = requestAnimationFrame((now) => this.#step(now));
  }

  #step(now) {
    const part = wantsNoMotion.matches ? 1
      : 1 - Math.exp(-Math.max(0, now - this.#before) / GLIDE_MS);
    let isMoving = false;
    for (const cursor of this.#cursors.values()) {
      isMoving = glide(cursor, part) || isMoving;
    }
    this.#before = now;
    this.#frame = isMoving
      ? requestAnimationFrame((next) => this.#step(next)) : 0;
  }
}

/** Moves a cursor by this part of its way; false when it has arrived. */
function glide({ element, at, to }, part) {
  if (at.x === to.x && at.y === to.y) return false;
  for (const axis of ['x', 'y']) {
    const rest = (to[axis] - at[axis]) * (1 - part);
    at[axis] = Math.abs(rest) < NEAR ? to[axis] : to[axis] - rest;
  }
  place(element, at.x, at.y);
  return true;
}

function place(element, x, y) {
  element.style.left = `${x * 100}%`;
  element.style.top = `${y * 100}%`;
}

function arrow() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', 'M2 2l15 6-6.6 2.6L8 17.5z');
  svg.append(path);
  return svg;
}

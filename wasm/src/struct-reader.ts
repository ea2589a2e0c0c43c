// SPDX-License-Identifier: MIT
// struct-reader.ts - reads fields of a struct of the core, by their words.

import { toHex } from './bytes.js';
import type { Module } from './module.js';
import type { Position } from './types.js';

/** Good until the next call into the core. */
export class StructReader {
  protected readonly _module: Module;
  /** Where the struct is, in words. */
  protected _at = 0;
  #epochLow = 0;
  #epochHigh = 0;
  #epoch = '';

  constructor(module: Module) {
    this._module = module;
  }

  /** Turn to the struct at an address. */
  _turnTo(address: number): this {
    this._at = address >>> 2;
    return this;
  }

  _word(index: number): number {
    return this._module._u32[this._at + index]!;
  }

  /** A bool, which has a byte. */
  _is(index: number): boolean {
    return (this._word(index) & 1) !== 0;
  }

  /** A 64-bit number of two words; exact up to 2 ** 53, which offsets, counters
   * and clocks do not reach. */
  _number(index: number): number {
    return this._word(index + 1) * 2 ** 32 + this._word(index);
  }

  /** An id, a key or an epoch; null for 0, which is none. */
  _id(index: number): string | null {
    return toHex(this._word(index), this._word(index + 1));
  }

  /** An epoch, then an offset. An epoch is made a text once in the life of a
   * stream, not for each message. */
  _position(index: number): Position {
    const low = this._word(index);
    const high = this._word(index + 1);
    if (low !== this.#epochLow || high !== this.#epochHigh) {
      this.#epochLow = low;
      this.#epochHigh = high;
      this.#epoch = toHex(low, high)!;
    }
    return { epoch: this.#epoch, offset: this._number(index + 2) };
  }

  /** What a view shows. */
  _text(index: number): string {
    return this._module._text(this._word(index), this._word(index + 1));
  }
}

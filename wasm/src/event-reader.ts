// SPDX-License-Identifier: MIT
// event-reader.ts - walks the records that wasm/events.c kept of a turn.

import {
  fromUtf8, NO_BYTES, toHex, toId, toNumber, type Bytes,
} from './bytes.js';
import { Bridge, Event, RECORD_WORDS } from './layout.js';
import type { Module } from './module.js';
import type { Position } from './types.js';

const IN_MESSAGE = 0x8000_0000;

/**
 * Stands on one record at a time. Handlers may give commands meanwhile, by which
 * the memory may grow: so the module's view is taken anew for each record, and
 * all that an event needs is read before a handler is called.
 */
export class EventReader {
  readonly #module: Module;
  #message = NO_BYTES;
  #words: Uint32Array = new Uint32Array(0);
  #texts = 0;
  #at = 0;
  #end = 0;

  constructor(module: Module) {
    this.#module = module;
  }

  /** Begin with what the turn of a client led to. message: the one taken in. */
  _begin(handle: number, message: Bytes = NO_BYTES): void {
    const { _u32: u32 } = this.#module;
    const at = handle >>> 2;
    const first = u32[at + Bridge.RECORDS]! >>> 2;
    this.#at = first - RECORD_WORDS;
    this.#end = first + (u32[at + Bridge.RECORDS_LEN]! >>> 2);
    this.#texts = u32[at + Bridge.TEXTS]!;
    this.#message = message;
  }

  /** Step to the next record; false after the last. */
  _next(): boolean {
    this.#at += RECORD_WORDS;
    this.#words = this.#module._u32;
    if (this.#at < this.#end) return true;
    this.#message = NO_BYTES;
    return false;
  }

  _word(index: number): number {
    return this.#words[this.#at + index]!;
  }

  /** A bool, which has a byte. */
  _is(index: number): boolean {
    return (this._word(index) & 1) !== 0;
  }

  get _id(): number {
    return this._word(Event.ID);
  }

  /** A 64-bit number of two words. */
  _number(index: number): number {
    return toNumber(this._word(index), this._word(index + 1));
  }

  _hex(index: number): string {
    return toHex(this._word(index), this._word(index + 1));
  }

  /** As hex; null for 0. */
  _hexOrNull(index: number): string | null {
    return toId(this._word(index), this._word(index + 1));
  }

  /** An epoch, then an offset. */
  _position(index: number): Position {
    return { epoch: this._hex(index), offset: this._number(index + 2) };
  }

  /** Good for as long as the caller likes: a view of the message, which is
   * JavaScript's own, or a copy. */
  _bytes(index: number): Bytes {
    const place = this._word(index);
    const len = this._word(index + 1);
    if (len === 0) return NO_BYTES;
    if (place >= IN_MESSAGE) {
      const from = place - IN_MESSAGE;
      return this.#message.subarray(from, from + len);
    }
    return this.#module._copy(this.#texts + place, len);
  }

  _text(index: number): string {
    return fromUtf8(this._bytes(index));
  }
}

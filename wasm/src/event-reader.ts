// SPDX-License-Identifier: MIT
// event-reader.ts - walks the event records that wasm/events.c wrote in a turn.

import { toHex, toId, toNumber, fromUtf8, type Bytes } from './bytes.js';
import type { Module } from './module.js';
import type { Position } from './types.js';

/** enum gw_event_type, and the record of events.c's own. */
export const EventType = {
  STATE: 0, SUB_STATE: 1, PUBLICATION: 2, GAP: 3, PUBLISHED: 4, PRESENCE: 5,
  PRESENCE_SYNC: 6, REPLY: 7, CALL: 8, RTT: 9, MEMBER: 10,
} as const;

const IN_MESSAGE = 0x8000_0000;
const EMPTY: Bytes = new Uint8Array(0);

/**
 * Stands on one record at a time. Handlers may give commands meanwhile, by which
 * the memory may grow: so words are read from the module's present view, and
 * all that an event needs is read before a handler is called.
 */
export class EventReader {
  readonly #module: Module;
  #message: Bytes = EMPTY;
  #texts = 0;
  #at = 0;
  #next = 0;
  #end = 0;

  constructor(module: Module) {
    this.#module = module;
  }

  /** Begin with what the turn of a client led to. message: the one taken in. */
  begin(handle: number, message: Bytes = EMPTY): void {
    const { u32 } = this.#module;
    const word = handle >>> 2;
    this.#next = u32[word]! >>> 2;
    this.#end = this.#next + (u32[word + 1]! >>> 2);
    this.#texts = u32[word + 2]!;
    this.#message = message;
  }

  /** Step to the next record; false after the last. */
  next(): boolean {
    if (this.#next >= this.#end) {
      this.#message = EMPTY;
      return false;
    }
    this.#at = this.#next;
    this.#next += this.word(0) >>> 8;
    return true;
  }

  get type(): number {
    return this.word(0) & 0xff;
  }

  word(index: number): number {
    return this.#module.u32[this.#at + index]!;
  }

  /** A 64-bit number of two words. */
  number(index: number): number {
    return toNumber(this.word(index), this.word(index + 1));
  }

  hex(index: number): string {
    return toHex(this.word(index), this.word(index + 1));
  }

  id(index: number): string | null {
    return toId(this.word(index), this.word(index + 1));
  }

  /** An epoch, then an offset. */
  position(index: number): Position {
    return { epoch: this.hex(index), offset: this.number(index + 2) };
  }

  /** Good for as long as the caller likes: a view of the message, which is
   * JavaScript's own, or a copy. */
  bytes(index: number): Bytes {
    const place = this.word(index);
    const len = this.word(index + 1);
    if (len === 0) return EMPTY;
    if (place >= IN_MESSAGE) {
      const from = place - IN_MESSAGE;
      return this.#message.subarray(from, from + len);
    }
    const from = this.#texts + place;
    return this.#module.u8.slice(from, from + len) as Bytes;
  }

  text(index: number): string {
    return this.word(index + 1) === 0 ? '' : fromUtf8(this.bytes(index));
  }
}

// SPDX-License-Identifier: MIT
// event-reader.ts - walks the records that wasm/events.c kept of a turn.

import type { Bytes } from './bytes.js';
import { Bridge, Event, RECORD_WORDS } from './layout.js';
import { PayloadType, type Source } from './payload.js';
import { reasonOf } from './error.js';
import { StructReader } from './struct-reader.js';
import type { Reason } from './types.js';

/** Never given to the core: an application may transfer what it was handed, and
 * nobody can use that again. */
const NO_BYTES: Bytes = new Uint8Array(0);

/**
 * Stands on one record at a time. All that an event needs is read before a
 * handler is called, which may call into the core.
 */
export class EventReader extends StructReader {
  #end = 0;
  #texts = 0;
  #bytes = 0;
  /** All texts of the turn, if a place in bytes is one in characters. */
  #ascii: string | null = null;

  /** Begin with what the turn of a client led to. */
  _begin(handle: number): void {
    this._turnTo(handle);
    this.#texts = this._word(Bridge.TEXTS);
    this.#bytes = this._word(Bridge.BYTES);
    const text = super._text(Bridge.TEXTS);
    this.#ascii = text.length === this._word(Bridge.TEXTS_LEN) ? text : null;
    const first = this._word(Bridge.RECORDS);
    this.#end = (first + this._word(Bridge.RECORDS_LEN)) >>> 2;
    this._at = (first >>> 2) - RECORD_WORDS;
  }

  /** Step to the next record; false after the last. */
  _next(): boolean {
    this._at += RECORD_WORDS;
    return this._at < this.#end;
  }

  /** What the event is about: see Event. */
  get _about(): number {
    return this._word(Event.ID);
  }

  /** A copy. */
  _bytes(index: number): Bytes {
    return this._module._copy(
      this.#bytes + this._word(index), this._word(index + 1));
  }

  /** The same, but nothing is always the same nothing. */
  _tags(index: number): Bytes {
    return this._word(index + 1) ? this._bytes(index) : NO_BYTES;
  }

  /** Cut out of the texts of the turn, which it may keep in memory: `copyOf` is
   * for what an application may keep. */
  override _text(index: number): string {
    const place = this._word(index);
    const len = this._word(index + 1);
    return !len ? '' : this.#ascii?.substring(place, place + len) ??
      this._module._text(this.#texts + place, len);
  }

  /** Of a code, and words in the view that is next. */
  _reason(index: number): Reason {
    return reasonOf(this._word(index), this._text(index + 1));
  }

  /** A payload, of which the type is at this word and the view is the next. */
  _payload(index: number): Source {
    return this._word(index) === PayloadType.JSON
      ? this._text(index + 1) : this._bytes(index + 1);
  }
}

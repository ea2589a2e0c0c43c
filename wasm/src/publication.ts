// SPDX-License-Identifier: MIT
// publication.ts - one publication, as a handler gets it.

import { copyOf, toHex } from './bytes.js';
import type { EventReader } from './event-reader.js';
import { PublicationEvent as Word } from './layout.js';
import { decodePayload, type Source } from './payload.js';
import type { Position, Received } from './types.js';

/** Values are made of what came when they are asked for, so that a handler pays
 * for what it reads. */
export class Publication {
  /** Server's clock, milliseconds since 1970. */
  readonly time: number;
  /** This client published it. */
  readonly own: boolean;
  /** The item is gone. */
  readonly removed: boolean;
  /** What `tagsOf` of `godwit/filter` reads; empty without tags. */
  readonly tagBytes: Uint8Array;
  /** @internal Of a wildcard subscription: in the channel, not in what was
   * subscribed to. */
  readonly _isMatched: boolean;
  /** @internal */
  readonly _position: Position;
  readonly #client: number;
  readonly #clientHigh: number;
  readonly #key: number;
  readonly #keyHigh: number;
  readonly #user: string;
  readonly #item: string;
  readonly #channel: string;
  /** The payload until it is decoded. */
  #source: Source | null;
  #data: Received;

  /** @internal channel: what was subscribed to, which may be a pattern. */
  constructor(reader: EventReader, position: Position, channel: string) {
    const matched = reader._text(Word.CHANNEL);
    this._isMatched = matched !== '';
    this.#channel = matched || channel;
    this._position = position;
    this.#source = reader._payload(Word.PAYLOAD);
    this.#client = reader._word(Word.CLIENT);
    this.#clientHigh = reader._word(Word.CLIENT + 1);
    this.#key = reader._word(Word.KEY);
    this.#keyHigh = reader._word(Word.KEY + 1);
    this.#user = reader._text(Word.USER);
    this.#item = reader._text(Word.ITEM);
    this.time = reader._number(Word.TIME_MS);
    this.tagBytes = reader._tags(Word.TAGS);
    // Bools have a byte each.
    this.own = reader._is(Word.OWN);
    this.removed = (reader._word(Word.OWN) & 256) !== 0;
  }

  /** The channel that it was published to. */
  get channel(): string {
    return copyOf(this.#channel);
  }

  /** What was published: the value, or a Uint8Array. Throws a SyntaxError when
   * the publisher sent text that is not JSON. */
  get data(): Received {
    if (this.#source !== null) {
      this.#data = decodePayload(this.#source);
      this.#source = null;
    }
    return this.#data;
  }

  /** Where it is, to go on after it. */
  get position(): Position {
    return { ...this._position };
  }

  /** Place in the channel's stream. */
  get offset(): number {
    return this._position.offset;
  }

  /** Public id of the publisher; null for the server. */
  get clientId(): string | null {
    return toHex(this.#client, this.#clientHigh);
  }

  /** The publisher's user id. */
  get user(): string {
    return copyOf(this.#user);
  }

  /** What it is about; empty for nothing in particular. */
  get item(): string {
    return copyOf(this.#item);
  }

  /** The same as `key` of the publisher's promise; null for none. */
  get key(): string | null {
    return toHex(this.#key, this.#keyHigh);
  }

  /** So that JSON.stringify and logs show what the getters give. */
  toJSON(): Record<string, unknown> {
    const {
      channel, data, position, clientId, user, time, key, item, removed,
      own,
    } = this;
    return {
      channel, data, position, clientId, user, time, key, item, removed,
      own,
    };
  }
}

// SPDX-License-Identifier: MIT
// publication.ts - one publication, as a handler gets it.

import { fromUtf8, toId, type Bytes } from './bytes.js';
import type { EventReader } from './event-reader.js';
import { readFields } from './fields.js';
import { PublicationEvent as Word } from './layout.js';
import { decodePayload } from './payload.js';
import type { Position, Received } from './types.js';

/**
 * Made of numbers and views of the message that it came in; texts and values are
 * made of them when they are asked for, so that a handler pays for what it reads.
 */
export class Publication {
  /** Place in the channel's stream. */
  readonly offset: number;
  /** Server's clock, milliseconds since 1970. */
  readonly time: number;
  /** This client published it. */
  readonly own: boolean;
  /** The item is gone. */
  readonly removed: boolean;
  readonly #epoch: string;
  readonly #type: number;
  readonly #client: number;
  readonly #clientHigh: number;
  readonly #key: number;
  readonly #keyHigh: number;
  readonly #user: Bytes;
  readonly #item: Bytes;
  readonly #channel: Bytes;
  readonly #subscribed: string;
  /** The whole message. */
  readonly #body: Bytes;
  #bytes: Bytes | null;
  #data: Received;

  /** @internal channel: what was subscribed to, which may be a pattern. */
  constructor(reader: EventReader, epoch: string, channel: string) {
    this.#epoch = epoch;
    this.#subscribed = channel;
    this.offset = reader._number(Word.POSITION + 2);
    this.#type = reader._word(Word.TYPE);
    this.#bytes = reader._bytes(Word.BYTES);
    this.#client = reader._word(Word.CLIENT);
    this.#clientHigh = reader._word(Word.CLIENT + 1);
    this.#key = reader._word(Word.KEY);
    this.#keyHigh = reader._word(Word.KEY + 1);
    this.#user = reader._bytes(Word.USER);
    this.#item = reader._bytes(Word.ITEM);
    this.time = reader._number(Word.TIME_MS);
    this.#channel = reader._bytes(Word.CHANNEL);
    this.#body = reader._bytes(Word.BODY);
    // Bools have a byte each.
    this.own = reader._is(Word.OWN);
    this.removed = (reader._word(Word.OWN) & 256) !== 0;
  }

  /** The channel that it was published to. */
  get channel(): string {
    return fromUtf8(this.#channel) || this.#subscribed;
  }

  /** What was published: the value, or a Uint8Array. Throws a SyntaxError when
   * the publisher sent text that is not JSON. */
  get data(): Received {
    if (this.#bytes !== null) {
      this.#data = decodePayload(this.#type, this.#bytes);
      this.#bytes = null;
    }
    return this.#data;
  }

  get position(): Position {
    return { epoch: this.#epoch, offset: this.offset };
  }

  /** Public id of the publisher; null for the server. */
  get clientId(): string | null {
    return toId(this.#client, this.#clientHigh);
  }

  /** The publisher's user id. */
  get user(): string {
    return fromUtf8(this.#user);
  }

  /** What it is about; empty for nothing in particular. */
  get item(): string {
    return fromUtf8(this.#item);
  }

  /** What filters look at. */
  get tags(): Readonly<Record<string, string>> {
    const tags: [string, string][] = [];
    for (const [number, tag] of readFields(this.#body)) {
      if (number !== 10) continue;
      const texts = ['', '', ''];
      for (const [field, text] of readFields(tag)) {
        texts[field] = fromUtf8(text);
      }
      tags.push([texts[1]!, texts[2]!]);
    }
    return Object.fromEntries(tags);
  }

  /** The same as `key` of the publisher's promise; null for none. */
  get key(): string | null {
    return toId(this.#key, this.#keyHigh);
  }

  /** So that JSON.stringify and logs show what the getters give. */
  toJSON(): Record<string, unknown> {
    const {
      channel, data, position, clientId, user, time, key, item, removed, tags,
      own,
    } = this;
    return {
      channel, data, position, clientId, user, time, key, item, removed, tags,
      own,
    };
  }
}

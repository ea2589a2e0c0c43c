// SPDX-License-Identifier: MIT
// publication.ts - one publication, as a handler gets it.

import { fromUtf8, toHex, toId, toNumber, type Bytes } from './bytes.js';
import type { EventReader } from './event-reader.js';
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
  readonly #epoch: string;
  readonly #type: number;
  readonly #clientLow: number;
  readonly #clientHigh: number;
  readonly #keyLow: number;
  readonly #keyHigh: number;
  readonly #user: Bytes;
  #bytes: Bytes | null;
  #data: Received;

  /** @internal */
  constructor(reader: EventReader, epoch: string) {
    const bits = reader.word(2);
    this.#epoch = epoch;
    this.#type = bits & 0xff;
    this.own = bits >>> 8 !== 0;
    this.offset = reader.number(5);
    this.#clientLow = reader.word(7);
    this.#clientHigh = reader.word(8);
    this.#keyLow = reader.word(9);
    this.#keyHigh = reader.word(10);
    this.time = toNumber(reader.word(11), reader.word(12));
    this.#user = reader.bytes(13);
    this.#bytes = reader.bytes(15);
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
    return toId(this.#clientLow, this.#clientHigh);
  }

  /** The publisher's user id. */
  get user(): string {
    return fromUtf8(this.#user);
  }

  /** The same as `key` of the publisher's promise; null for none. */
  get key(): string | null {
    return this.#keyLow === 0 && this.#keyHigh === 0
      ? null : toHex(this.#keyLow, this.#keyHigh);
  }

  /** So that JSON.stringify and logs show what the getters give. */
  toJSON(): Record<string, unknown> {
    const { data, position, clientId, user, time, key, own } = this;
    return { data, position, clientId, user, time, key, own };
  }
}

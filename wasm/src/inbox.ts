// SPDX-License-Identifier: MIT
// inbox.ts - gathers messages that arrive faster than they are taken in.

import type { Bytes } from './bytes.js';

/** Messages that are gathered have no more bytes together: the core's memory for
 * them stays as it is, and the gain is had long before. */
const GATHERED_BYTES = 32 * 1024;

/** Larger messages are not gathered: too few would come together. */
const SMALL_BYTES = 4 * 1024;

/**
 * A host tells of each message by itself, and to cross into the core for each
 * costs more than the message does. So the first is handed on at once, but those
 * that come before the host had time for anything else wait until it has, and are
 * handed on together.
 */
export class Inbox {
  readonly #take: (messages: readonly Bytes[]) => void;
  #isWaiting = false;
  #messages: Bytes[] = [];
  #len = 0;

  constructor(take: (messages: readonly Bytes[]) => void) {
    this.#take = take;
  }

  _put(message: Bytes): void {
    const { length } = message;
    if (this.#len + length > GATHERED_BYTES) this._flush();
    this.#messages.push(message);
    this.#len += length;
    if (length > SMALL_BYTES) this._flush();
    else if (!this.#isWaiting) this.#next();
  }

  #next(): void {
    this.#isWaiting = this.#messages.length > 0;
    if (!this.#isWaiting) return;
    soon(() => this.#next());
    this._flush();
  }

  /** Hand on what waits. */
  _flush(): void {
    const messages = this.#messages;
    if (!messages.length) return;
    this.#messages = [];
    this.#len = 0;
    this.#take(messages);
  }
}

/** Those of `soon`, in their order. */
const callbacks: (() => void)[] = [];
let port: MessagePort | undefined;

/** Calls back when the host has done what is at hand. A microtask would be too
 * early for that, and a timer milliseconds too late. */
export function soon(callback: () => void): void {
  const { setImmediate, MessageChannel } = globalThis;
  if (setImmediate || !MessageChannel) {
    return (setImmediate ?? queueMicrotask)(callback);
  }
  if (!port) {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => callbacks.shift()!();
    port = channel.port2;
  }
  callbacks.push(callback);
  port.postMessage(0);
}

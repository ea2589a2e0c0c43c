// SPDX-License-Identifier: MIT
// socket.ts - the WebSocket transport: one attempt to connect.

import type { Bytes } from './bytes.js';
import { Inbox } from './inbox.js';
import type { WebSocketConstructor, WebSocketLike } from './options.js';

/** Name of the binary encoding, as the server knows it. */
const SUBPROTOCOL = 'godwit.v1';

const enum Ready { OPEN = 1, CLOSED = 3 }

const enum Close {
  NORMAL = 1000,
  /** The peer sent what cannot be taken in: text, in a binary protocol. */
  UNSUPPORTED_DATA = 1003,
}

/** News of a socket; none comes before the code that made it has returned. */
export interface SocketEvents {
  _opened(): void;
  _messages(messages: readonly Bytes[]): void;
  /** code 0: it could not be opened. */
  _closed(code: number, reason: string): void;
}

/** Relative to the page, and with http(s) taken for ws(s). */
export function socketUrl(url: string | URL): string {
  const { location } = globalThis as { location?: { href: string } };
  const resolved = new URL(url, location?.href);
  resolved.protocol = resolved.protocol.replace(/^http/, 'ws');
  return resolved.href;
}

export class Socket {
  #ws: WebSocketLike | null = null;
  #events: SocketEvents | null;
  readonly #inbox = new Inbox(
    (messages) => this.#events?._messages(messages));

  constructor(WebSocket: WebSocketConstructor, url: string,
    events: SocketEvents) {
    this.#events = events;
    try {
      this.#listen(new WebSocket(socketUrl(url), SUBPROTOCOL));
    } catch (error) {
      // A URL that is none, or a policy of the page.
      queueMicrotask(() => this.#end(0, String(error)));
    }
  }

  #listen(ws: WebSocketLike): void {
    this.#ws = ws;
    // npm's ws hands over what it has read as it is; an ArrayBuffer is a copy.
    if (ws.binaryType !== 'nodebuffer') ws.binaryType = 'arraybuffer';
    ws.onopen = () => this.#events?._opened();
    ws.onmessage = ({ data }: { data: unknown }) => {
      if (!this.#events) return;
      if (data instanceof ArrayBuffer) {
        this.#inbox._put(new Uint8Array(data));
      } else if (data instanceof Uint8Array) {
        this.#inbox._put(data as Bytes);
      } else {
        this.#end(Close.UNSUPPORTED_DATA, 'not a binary message');
        this._close();
      }
    };
    ws.onclose = ({ code, reason }: { code: number; reason: string }) =>
      this.#end(code, reason);
    // It says nothing, and a close event follows: but not in Chromium when the
    // page's policy forbids the connection.
    ws.onerror = () => setTimeout(() => {
      if (ws.readyState === Ready.CLOSED) this.#end(0, '');
    });
  }

  #end(code: number, reason: string): void {
    this.#inbox._flush();
    const events = this.#events;
    this.#events = null;
    events?._closed(code, reason);
  }

  /** message: not used afterwards, as hosts differ in when they take it. */
  _send(message: Bytes): void {
    // What came last may be answered when the end is near: browsers complain.
    if (this.#ws && !(this.#ws.readyState! > Ready.OPEN)) this.#ws.send(message);
  }

  /** Closes; no more news come. code: 1000, or one that pages may send. */
  _close(code = Close.NORMAL): void {
    this.#events = null;
    this.#ws?.close(code);
    this.#ws = null;
  }
}

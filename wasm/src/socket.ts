// SPDX-License-Identifier: MIT
// socket.ts - the WebSocket transport: one attempt to connect.

import type { Bytes } from './bytes.js';
import type { WebSocketConstructor, WebSocketLike } from './options.js';

/** Name of the binary encoding, as the server knows it. */
const SUBPROTOCOL = 'godwit.v1';

const NORMAL = 1000;
/** The peer sent what cannot be taken in: text, in a binary protocol. */
const UNSUPPORTED_DATA = 1003;

/** News of a socket; none comes before the code that made it has returned. */
export interface SocketEvents {
  _opened(): void;
  _message(message: Bytes): void;
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
    ws.binaryType = 'arraybuffer';
    ws.onopen = () => this.#events?._opened();
    ws.onmessage = ({ data }: { data: unknown }) => {
      if (data instanceof ArrayBuffer) {
        this.#events?._message(new Uint8Array(data));
      } else {
        this.#hangUp(NORMAL, '');
        this.#end(UNSUPPORTED_DATA, 'not a binary message');
      }
    };
    ws.onclose = ({ code, reason }: { code: number; reason: string }) =>
      this.#end(code, reason);
    // A close event follows, and the error event says nothing.
    ws.onerror = () => {};
  }

  #end(code: number, reason: string): void {
    const events = this.#events;
    this.#events = null;
    events?._closed(code, reason);
  }

  /** message: not used afterwards, as hosts differ in when they take it. */
  _send(message: Bytes): void {
    this.#ws?.send(message);
  }

  /** Closes; no more news come. */
  _close(code: number, reason: string): void {
    this.#events = null;
    this.#hangUp(code, reason);
  }

  #hangUp(code: number, reason: string): void {
    const ws = this.#ws;
    this.#ws = null;
    try {
      ws?.close(code, reason);
    } catch {
      // Pages may not send the codes below 3000, except for one.
      ws?.close(NORMAL);
    }
  }
}

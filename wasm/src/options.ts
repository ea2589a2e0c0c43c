// SPDX-License-Identifier: MIT
// options.ts - everything that can be chosen, with its default.

import type { EncodedList, Payload, Position, State } from './types.js';

/**
 * Exponential backoff with jitter: delay n is `baseMs * multiplier ** n`, at most
 * `capMs`, less a random part of up to `jitter` of it.
 */
export interface RetryPolicy {
  /** Attempts without a stable connection before giving up; 0: no limit. */
  readonly attempts: number;
  /** First delay. */
  readonly baseMs: number;
  /** Longest delay. */
  readonly capMs: number;
  /** By how much each delay exceeds the one before. */
  readonly multiplier: number;
  /** 1: anything from nothing to the whole delay; 0: no randomness. */
  readonly jitter: number;
  /** Attempts are forgotten after being ready for this long. */
  readonly stableMs: number;
}

/**
 * `default`: 0.5 s, doubling, 20 s at most. `aggressive`: 0.1 s, 5 s at most;
 * for few clients on a good network. `conservative`: 2 s, 120 s at most; for
 * many clients, or a battery. An object overrides parts of `default`.
 */
export type Retry =
  'default' | 'aggressive' | 'conservative' | Partial<RetryPolicy>;

/** What the SDK uses of a WebSocket: the browser's, Node's or npm `ws`. */
export interface WebSocketLike {
  /** Set to `arraybuffer`. */
  binaryType: string;
  /** 1: open. */
  readonly readyState?: number;
  /** It is open. */
  onopen: ((event: never) => void) | null;
  /** A message came: `data` of the event. */
  onmessage: ((event: never) => void) | null;
  /** It is closed: `code` and `reason` of the event. */
  onclose: ((event: never) => void) | null;
  /** It failed; a close follows. */
  onerror: ((event: never) => void) | null;
  /** Sends a binary message. */
  send(data: Uint8Array<ArrayBuffer>): void;
  /** Closes it. */
  close(code?: number, reason?: string): void;
}

/** A class of WebSockets. */
export type WebSocketConstructor =
  new (url: string, protocols?: string | string[]) => WebSocketLike;

/**
 * Keeps publications that are not acknowledged over a restart of the program.
 * Give the same `instance` again with it, or the server cannot tell a repeat. An
 * implementation on IndexedDB will come with the package; until then this is for
 * applications that bring their own.
 */
export interface OutboxStore {
  /** Everything that was put and not removed, but what is older than `maxAgeMs`:
   * by then a server takes a repeat for new. What the client does not take, for
   * lack of room or as it cannot be read, it tells as `error` and does without. */
  load(): Iterable<[key: string, entry: Uint8Array]>
    | Promise<Iterable<[key: string, entry: Uint8Array]>>;
  /** Called before the publication is sent. Keys sort in the order of sending. */
  put(key: string, entry: Uint8Array): void;
  /** The publication is settled. */
  remove(key: string): void;
}

/** Limits of publications that are not acknowledged, and where they are kept. */
export interface OutboxOptions {
  /** Publications that may wait; 1,024. */
  readonly maxCount?: number;
  /** Bytes that may wait; 1 MiB. */
  readonly maxBytes?: number;
  /** How long a publication may wait; 5 minutes. */
  readonly maxAgeMs?: number;
  /** Where they are kept over a restart; none. */
  readonly store?: OutboxStore;
}

/** How much a line of the log matters. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Where the WebAssembly module comes from. */
export type WasmSource =
  URL | string | ArrayBuffer | ArrayBufferView | WebAssembly.Module;

/** A token, or nothing: there is none, and will be none. */
export type MaybeToken = string | null | undefined;

/**
 * Gets a token: called before connecting or subscribing, ahead of the end of the
 * token before, and when that was refused; never again before the last call has
 * settled. What it throws means "not now": it is asked again, later and later.
 * Nothing, or a thrown `GodwitError` of another class than `retry` and
 * `retry-after`, is the end of the connection or the subscription.
 */
export type GetToken = () => MaybeToken | Promise<MaybeToken>;

/** Options of a client; behind each what holds without it. */
export interface ClientOptions {
  /** Token for the server's authenticator; none. With `getToken` the first one;
   * without, the connection fails when it has expired. */
  readonly token?: string;
  /** Where tokens come from; nowhere. */
  readonly getToken?: GetToken;
  /** Claimed user id, for a server without an authenticator; none. */
  readonly user?: string;
  /** Name and version of the application, for the server's log. */
  readonly agent?: string;
  /** When to come back after a lost connection; `default`. */
  readonly retry?: Retry;
  /** How often the server should ping an idle connection; its own choice. */
  readonly pingIntervalMs?: number;
  /** How long opening may take, up to the server's welcome; 10 s. */
  readonly connectTimeoutMs?: number;
  /** How long a call or another request may take; 10 s. */
  readonly requestTimeoutMs?: number;
  /** When a lost connection is called suspended; 120 s. */
  readonly suspendAfterMs?: number;
  /** Bytes that may be on their way to the handlers, at least what the network
   * carries in a round trip; 256 KiB. 0: as fast as the socket takes them. */
  readonly creditBytes?: number;
  /** Limits and storage of publications that are not acknowledged. */
  readonly outbox?: OutboxOptions;
  /** 16 bytes, to be the same client as before; random. A secret. */
  readonly instance?: Uint8Array;
  /** The module, where it is not the file `godwit.wasm` beside the script, or
   * `godwit-lite.wasm` for `godwit/lite`. Not used by `godwit/plain`. */
  readonly wasm?: WasmSource;
  /** WebSocket class, where there is no global one (Node before 22). */
  readonly WebSocket?: WebSocketConstructor;
  /** Told what goes on inside. It must not use the client. */
  readonly log?: (level: LogLevel, text: string) => void;
  /** May forbid an attempt to connect by returning false; the client then stays
   * as it is until `connect()`. It must not use the client. */
  readonly mayMove?: (from: State, to: State, code: number) => boolean;
}

/** Options of a subscription. */
export interface SubscribeOptions {
  /** Begin after this position, or with everything that is kept; from now on. */
  readonly since?: 'start' | Position;
  /** Token for this channel, where the server asks for one; none. With `getToken`
   * the first one; without, the subscription ends when it has expired. Those of
   * the first subscription of a channel count. */
  readonly token?: string;
  /** Where tokens for this channel come from; nowhere. */
  readonly getToken?: GetToken;
  /** Keep the list of members; false. */
  readonly presence?: boolean;
  /** When this client reads too slowly: `close` the connection and recover;
   * `drop` the oldest of what waits; `conflate` to the newest of each item;
   * `sample` the newest. What is skipped is told as a gap; `close`. */
  readonly overflow?: 'close' | 'drop' | 'conflate' | 'sample';
  /** Let publications come as changes to the one before, where the channel's
   * namespace has `delta.enabled` and that is shorter: handlers get the same, and
   * less is sent. The last publication is kept for it; false. Of several
   * subscriptions of a channel the first decides. */
  readonly delta?: boolean;
  /** Only publications that pass, by the functions of `godwit/filter`; all. The same for all subscriptions of a
   * channel that there are at a time. */
  readonly filter?: EncodedList;
  /** What the server shall know about the subscription, such as for whom it is;
   * nothing. */
  readonly metadata?: Payload;
}

/** Options of a publish. */
export interface PublishOptions {
  /** Deliver it to this client too, if it is subscribed; true. */
  readonly echo?: boolean;
  /** Send it once or fail, never again after a lost connection; false. */
  readonly atMostOnce?: boolean;
  /** Refuse it (`CONFLICT`) unless the channel is at this position. */
  readonly expected?: Position;
  /** Forget it after this long; the namespace's setting. */
  readonly ttlMs?: number;
  /** What it is about, such as the id of a thing, up to 255 bytes; nothing in
   * particular. */
  readonly item?: string;
  /** Refuse it (`CONFLICT`) unless this is where the item was published last;
   * null: unless there is no such item. For channels that keep a map. */
  readonly compareItem?: Position | null;
  /** The item is gone; then there is no payload; false. */
  readonly removed?: boolean;
  /** What filters look at, up to 16: made by `tags` of `godwit/filter`. */
  readonly tags?: EncodedList;
  /** What is known about the channel, if nothing is so far and this client may
   * say it. */
  readonly metadata?: Payload;
}

/** Options of a call. */
export interface CallOptions {
  /** How long to wait for the answer; `requestTimeoutMs`. */
  readonly timeoutMs?: number;
  /** Public id of the client to call; the server. */
  readonly to?: string;
}

// SPDX-License-Identifier: MIT
// client-core.ts - the client, but for where its core comes from.

import { fromHex, toHex, toId, toNumber, toUtf8, toWords } from './bytes.js';
import { Emitter } from './emitter.js';
import { Engine, type EngineEvents } from './engine.js';
import { checked, GodwitError, reasonOf } from './error.js';
import { EventType, type EventReader } from './event-reader.js';
import { Feed, memberOf } from './feed.js';
import type { Module } from './module.js';
import type {
  CallOptions, ClientOptions, PublishOptions, Retry, SubscribeOptions,
} from './options.js';
import { decodePayload, encodePayload, NOTHING, type EncodedPayload } from './payload.js';
import { retryWords, type Settings } from './settings.js';
import { socketUrl } from './socket.js';
import { STATES } from './states.js';
import type { Subscription } from './subscription.js';
import type {
  CallHandler, ClientEvents, Info, Limits, Member, Payload, Position, Published,
  Publishing, Reason, Received, State,
} from './types.js';
import { Code } from './codes.js';

const NO_ECHO = 1;
const AT_MOST_ONCE = 2;
const COMPARE = 4;

const NEVER_MS = 0xffff_ffff;
/** Of an answer: GW_MAX_REASON_BYTES in characters of any size. */
const REASON_CHARS = 30;

/** A promise's other end. */
interface Deferred<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** A request that waits for its reply. */
interface Request extends Deferred<Received> {
  /** What came of a list that comes in parts; null for a call. */
  readonly members: Member[] | null;
}

/** A command that waits for the core. */
interface Waiting {
  run(engine: Engine): void;
  fail(error: unknown): void;
}

/** What the client knows of its state from the last event of it. */
interface Situation {
  readonly state: State;
  readonly since: number;
  readonly reason: Reason;
  readonly attempt: number;
  readonly retryAt: number | null;
}

const NO_LIMITS: Limits = {
  maxFrameBytes: 0, maxMessageBytes: 0, maxChannelBytes: 0, maxSubscriptions: 0,
  maxPresenceBytes: 0, maxCalls: 0, maxQueueBytes: 0, publishPerSecond: 0,
};

const CONNECTED: readonly State[] = ['syncing', 'ready', 'degraded'];

/**
 * A connection that stays up. Made without any work; the core is loaded at the
 * first `connect()` or command, and commands given before it is there wait.
 */
export abstract class ClientCore extends Emitter<ClientEvents> {
  readonly #settings: Settings;
  #engine: Engine | null = null;
  #isLoading = false;
  #isFreed = false;
  /** The application wants a connection. */
  #isWanted = false;
  #waiting: Waiting[] = [];
  #situation: Situation = {
    state: 'idle', since: Date.now(), reason: reasonOf(Code.OK), attempt: 0,
    retryAt: null,
  };
  #rttMs: number | null = null;
  readonly #ready: Deferred<void>[] = [];
  readonly #feedByChannel = new Map<string, Feed>();
  readonly #feedById = new Map<number, Feed>();
  readonly #publishing = new Map<string, Deferred<Published>>();
  readonly #requests = new Map<number, Request>();
  #parts: Member[] = [];
  readonly #methods = new Map<string, CallHandler>();

  /** url: one or more endpoints, tried in turn, such as
   * `wss://example.org/v1/ws`; a page may leave out its own origin. */
  constructor(
    url: string | URL | readonly (string | URL)[], options: ClientOptions = {},
  ) {
    super();
    const urls = Array.isArray(url) ? url as (string | URL)[] : [url as string];
    if (urls.length === 0) throw new TypeError('no URL');
    this.#settings = {
      endpoints: urls.map(socketUrl),
      options,
      retry: retryWords(options.retry),
      token: options.token ?? '',
    };
  }

  /** @internal Makes or finds an instance of the core. */
  protected abstract _load(options: ClientOptions): Promise<Module>;

  // ---- connection ----------------------------------------------------------

  /** Connects, or comes back now instead of waiting. */
  connect(): void {
    const { options } = this.#settings;
    if (options.WebSocket === undefined &&
        typeof globalThis.WebSocket !== 'function') {
      throw new GodwitError(Code.UNSUPPORTED,
        'there is no WebSocket here: give a class as options.WebSocket');
    }
    this.#isWanted = true;
    this.#command({
      run: (engine) => {
        engine.watch(true);
        checked(engine.command('connect'));
      },
      fail: () => {},
    });
  }

  /** Says goodbye and closes. Subscriptions and unacknowledged publications
   * stay, for a later `connect()`. */
  close(): void {
    this.#isWanted = false;
    if (this.#engine === null && !this.#isLoading) {
      this.#moveTo('closed', reasonOf(Code.CLOSED));
      return;
    }
    this.#command({
      run: (engine) => {
        engine.watch(false);
        engine.command('close');
      },
      fail: () => {},
    });
  }

  /** Ends everything without a goodbye and gives its memory back. What waits is
   * rejected; the client is of no use afterwards. */
  free(): void {
    if (this.#isFreed) return;
    this.#isFreed = true;
    this.#isWanted = false;
    this.#engine?.destroy();
    const error = new GodwitError(Code.CLOSED);
    for (const feed of this.#feedByChannel.values()) {
      feed.end(reasonOf(Code.CLOSED));
    }
    this.#feedByChannel.clear();
    this.#forgetCore(error);
    this.#moveTo('closed', reasonOf(Code.CLOSED));
  }

  get state(): State {
    return this.#situation.state;
  }

  get info(): Info {
    const facts = this.#engine?.isAlive
      ? readInfo(this.#engine)
      : {
        connectionId: null, clientId: null, user: '', duplicates: 0,
        endpoint: this.#settings.endpoints[0]!, limits: NO_LIMITS,
        outbox: { count: 0, bytes: 0 },
      };
    const transport = CONNECTED.includes(this.state) ? 'websocket' : null;
    return { ...this.#situation, rttMs: this.#rttMs, ...facts, transport };
  }

  /** Resolves when the client is ready, at once if it is; rejects when it is
   * closed or fails. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { state, reason } = this.#situation;
      const isOver = state === 'closed' || state === 'failed';
      if (state === 'ready') resolve();
      else if (isOver && !this.#isWanted) reject(errorOf(reason));
      else this.#ready.push({ resolve, reject });
    });
  }

  /** Changes the retry policy, from the next attempt on. */
  setRetry(policy: Retry): void {
    const words = retryWords(policy);
    this.#settings.retry = words;
    if (!this.#engine?.isAlive) return;
    this.#engine.put(new Uint8Array(words.buffer));
    this.#engine.command('set_retry');
  }

  /** Changes the token, from the next connection on. */
  setToken(token: string): void {
    this.#settings.token = token;
    if (!this.#engine?.isAlive) return;
    const bytes = toUtf8(token);
    this.#engine.put(bytes);
    checked(this.#engine.command('set_token', bytes.length));
  }

  // ---- channels ------------------------------------------------------------

  /** Subscribes to a channel, until `unsubscribe()`. The same channel again
   * shares what is there and costs the server nothing. */
  subscribe(channel: string, options: SubscribeOptions = {}): Subscription {
    this.#checkAlive();
    if (typeof options.since === 'object') fromHex(options.since.epoch);
    const known = this.#feedByChannel.get(channel);
    const feed = known ?? new Feed(this, channel, options);
    const subscription = feed.add(options);
    if (known === undefined) {
      this.#feedByChannel.set(channel, feed);
      if (this.#engine?.isAlive) feed.start(this.#engine);
      else this.#startLoading();
    }
    return subscription;
  }

  /** Publishes. The promise resolves when the server has it, with its position;
   * until then it is sent again after each lost connection, and arrives once. */
  publish(
    channel: string, data: Payload, options: PublishOptions = {},
  ): Publishing {
    let key: string | null = null;
    const promise = new Promise<Published>((resolve, reject) => {
      const payload = encodePayload(data);
      this.#command({
        run: (engine) => {
          const id = putPublish(engine, channel, payload, options);
          if (!options.atMostOnce) key = id;
          this.#publishing.set(id, { resolve, reject });
        },
        fail: reject,
      });
    });
    return Object.defineProperty(promise, 'key', {
      get: () => key, enumerable: true,
    }) as Publishing;
  }

  /** Asks who is in a channel, subscribed or not. */
  members(channel: string): Promise<Member[]> {
    return new Promise((resolve, reject) => {
      this.#command({
        run: (engine) => {
          const bytes = toUtf8(channel);
          engine.put(bytes);
          const id = checked(engine.command('presence_get', bytes.length));
          this.#requests.set(id, { resolve, reject, members: [] });
        },
        fail: reject,
      });
    });
  }

  // ---- calls ---------------------------------------------------------------

  /** Calls a method of the server, or of another client. Never sent twice. */
  call(
    method: string, data?: Payload, options: CallOptions = {},
  ): Promise<Received> {
    return new Promise((resolve, reject) => {
      const payload = data === undefined ? NOTHING : encodePayload(data);
      const to = options.to === undefined ? [0, 0] : fromHex(options.to);
      this.#command({
        run: (engine) => {
          const name = toUtf8(method);
          engine.put(name, payload.bytes);
          const id = checked(engine.command('call', name.length, payload.type,
            payload.bytes.length, options.timeoutMs ?? 0, ...to));
          this.#requests.set(id, { resolve, reject, members: null });
        },
        fail: reject,
      });
    });
  }

  /** Answers calls of a method, in place of an earlier handler for it; returns a
   * function that ends it. What the handler throws goes to the caller when it is
   * a GodwitError, and is reported here otherwise. */
  handle(method: string, handler: CallHandler): () => void {
    this.#methods.set(method, handler);
    return () => {
      if (this.#methods.get(method) === handler) this.#methods.delete(method);
    };
  }

  // ---- the core ------------------------------------------------------------

  #checkAlive(): void {
    if (this.#isFreed) throw new GodwitError(Code.CLOSED, 'the client is freed');
  }

  /** Gives a command now, or when the core is there. */
  #command(command: Waiting): void {
    this.#checkAlive();
    const engine = this.#engine;
    if (engine === null) {
      this.#waiting.push(command);
      this.#startLoading();
      return;
    }
    try {
      command.run(engine);
    } catch (error) {
      command.fail(error);
    }
  }

  #startLoading(): void {
    if (this.#isLoading || this.#engine !== null) return;
    this.#isLoading = true;
    this.#loadCore().catch((error: unknown) => {
      this.#isLoading = false;
      if (!this.#isFreed) this.#broken(error);
    });
  }

  async #loadCore(): Promise<void> {
    const { options } = this.#settings;
    const module = await this._load(options);
    const entries = [...await options.outbox?.store?.load() ?? []];
    if (this.#isFreed) return;
    const events: EngineEvents = {
      event: (reader) => this.#event(reader),
      failed: (error) => this._failed(error),
      broken: (error) => this.#broken(error),
    };
    const engine = new Engine(module, this.#settings, events);
    this.#isLoading = false;
    this.#engine = engine;
    // Keys are hexadecimal of one length: their order is that of the numbers.
    entries.sort(([a], [b]) => a < b ? -1 : 1);
    for (const [, entry] of entries) {
      engine.put(entry);
      this._check(engine.command('restore', entry.length));
    }
    for (const feed of this.#feedByChannel.values()) feed.start(engine);
    for (const waiting of this.#waiting.splice(0)) this.#command(waiting);
  }

  /** The core could not be loaded, or trapped. The next connect() tries anew. */
  #broken(error: unknown): void {
    const reason = reasonOf(Code.INTERNAL, String(error));
    this.#isWanted = false;
    this.#forgetCore(errorOf(reason));
    for (const feed of this.#feedByChannel.values()) feed.abandon(reason);
    this.#moveTo('failed', reason);
    this._failed(error);
  }

  #forgetCore(error: GodwitError): void {
    this.#engine = null;
    this.#feedById.clear();
    const pending = [
      ...this.#publishing.values(), ...this.#requests.values(),
    ];
    this.#publishing.clear();
    this.#requests.clear();
    for (const { reject } of pending) reject(error);
    for (const { fail } of this.#waiting.splice(0)) fail(error);
  }

  // ---- events --------------------------------------------------------------

  #event(reader: EventReader): void {
    switch (reader.type) {
      case EventType.STATE: return this.#onState(reader);
      case EventType.SUB_STATE: return this.#feed(reader)?.onState(reader);
      case EventType.PUBLICATION:
        return this.#feed(reader)?.onPublication(reader);
      case EventType.GAP: return this.#feed(reader)?.onGap(reader);
      case EventType.PRESENCE: return this.#feed(reader)?.onPresence(reader);
      case EventType.PRESENCE_SYNC:
        return this.#feed(reader)?.onPresenceSync(reader);
      case EventType.PUBLISHED: return this.#onPublished(reader);
      case EventType.MEMBER: return void this.#parts.push(memberOf(reader));
      case EventType.REPLY: return this.#onReply(reader);
      case EventType.CALL: return this.#onCall(reader);
      case EventType.RTT: return this.#onRtt(reader.word(1));
    }
  }

  #feed(reader: EventReader): Feed | undefined {
    const feed = this.#feedById.get(reader.word(1));
    return feed?.isOf(this.#engine!.turn) ? feed : undefined;
  }

  #onState(reader: EventReader): void {
    const delay = reader.word(4);
    this.#moveTo(
      STATES[reader.word(1) >>> 8]!,
      reasonOf(reader.word(2), reader.text(5)),
      reader.word(3),
      delay === NEVER_MS ? null : Date.now() + delay);
  }

  #moveTo(
    to: State, reason: Reason, attempt = 0, retryAt: number | null = null,
  ): void {
    const from = this.#situation.state;
    if (from === to) return;
    this.#situation = { state: to, since: Date.now(), reason, attempt, retryAt };
    if (to === 'failed') this.#isWanted = false;
    if (to === 'ready') {
      for (const { resolve } of this.#ready.splice(0)) resolve();
    } else if (to === 'failed' || (to === 'closed' && !this.#isWanted)) {
      for (const { reject } of this.#ready.splice(0)) reject(errorOf(reason));
    }
    this._emit('state', { from, to, reason, attempt, retryAt });
  }

  #onRtt(ms: number): void {
    this.#rttMs = ms;
    this._emit('rtt', { ms });
  }

  #onPublished(reader: EventReader): void {
    const key = reader.hex(1);
    const deferred = this.#publishing.get(key);
    if (deferred === undefined) return;
    this.#publishing.delete(key);
    const code = reader.word(3);
    if (code === Code.OK) {
      deferred.resolve({
        position: reader.position(7), duplicate: reader.word(4) !== 0,
      });
    } else {
      deferred.reject(new GodwitError(code, reader.text(5)));
    }
  }

  #onReply(reader: EventReader): void {
    const id = reader.word(1);
    const parts = this.#parts;
    this.#parts = [];
    const code = reader.word(3);
    const error = code === Code.OK
      ? null : new GodwitError(code, reader.text(6), reader.word(5));
    if (id === 0) {
      // What a subscription told about presence was refused.
      this._failed(error);
      return;
    }
    const request = this.#requests.get(id);
    request?.members?.push(...parts);
    const bits = reader.word(4);
    if (request === undefined || (error === null && bits >>> 8 !== 0)) return;
    this.#requests.delete(id);
    if (error !== null) request.reject(error);
    else if (request.members !== null) request.resolve(request.members);
    else settle(request, () => decodeReply(bits & 0xff, reader.bytes(8)));
  }

  #onCall(reader: EventReader): void {
    const call = reader.word(1);
    const type = reader.word(2);
    const context = { from: reader.id(4), user: reader.text(6) };
    const handler = this.#methods.get(reader.text(8));
    const bytes = reader.bytes(10);
    const engine = this.#engine!;
    const answer = (code: number, reason: string, payload: EncodedPayload) => {
      if (!engine.isAlive) return;
      const text = toUtf8(reason);
      engine.put(text, payload.bytes);
      // The caller may be gone, which is nothing that anybody could use.
      engine.command('answer', call, code, text.length, payload.type,
        payload.bytes.length);
    };
    if (handler === undefined) {
      answer(Code.UNKNOWN_METHOD, '', NOTHING);
      return;
    }
    const run = async () => {
      const result = await handler(decodeReply(type, bytes), context);
      answer(Code.OK, '', result === undefined ? NOTHING : encodePayload(result));
    };
    run().catch((error: unknown) => {
      if (error instanceof GodwitError) {
        answer(error.code, error.message.slice(0, REASON_CHARS), NOTHING);
      } else {
        answer(Code.HANDLER_FAILED, '', NOTHING);
        this._failed(error);
      }
    });
  }

  // ---- for feeds -----------------------------------------------------------

  /** @internal */
  _feedStarted(id: number, feed: Feed): void {
    this.#feedById.set(id, feed);
  }

  /** @internal */
  _feedStopped(id: number): void {
    this.#feedById.delete(id);
  }

  /** @internal Its channel is free for another one. */
  _feedEnded(id: number, feed: Feed): void {
    if (this.#feedById.get(id) === feed) this.#feedById.delete(id);
    if (this.#feedByChannel.get(feed.channel) === feed) {
      this.#feedByChannel.delete(feed.channel);
    }
  }

  /** @internal Tells something when the code that runs has ended. */
  _soon(tell: () => void): void {
    queueMicrotask(tell);
  }

  /** @internal A command that has no promise of its own. */
  _check(result: number): void {
    checked(result);
  }

  /** @internal */
  _failed(error: unknown): void {
    const { reportError } = globalThis;
    // Deno ends the process at what is reported.
    if (typeof reportError === 'function' && !('Deno' in globalThis)) {
      reportError(error);
    } else {
      console.error(error);
    }
    if (!this.#isTellingError) {
      this.#isTellingError = true;
      this._emit('error', error instanceof Error ? error : new Error(String(error)));
      this.#isTellingError = false;
    }
  }

  /** A handler of `error` that throws is reported, not told again. */
  #isTellingError = false;
}

function errorOf(reason: Reason): GodwitError {
  return new GodwitError(reason.code, reason.message);
}

/** A method may return nothing. */
function decodeReply(type: number, bytes: Uint8Array): Received {
  return bytes.length === 0 && type !== 0 ? null : decodePayload(type, bytes);
}

function settle<T>(deferred: Deferred<T>, value: () => T): void {
  try {
    deferred.resolve(value());
  } catch (error) {
    deferred.reject(error);
  }
}

function positionWords(position: Position | undefined): number[] {
  return position === undefined
    ? [0, 0, 0, 0]
    : [...fromHex(position.epoch), ...toWords(position.offset)];
}

/** Returns the key. */
function putPublish(
  engine: Engine, channel: string, payload: EncodedPayload,
  options: PublishOptions,
): string {
  const { echo = true, atMostOnce = false, expected, ttlMs = 0 } = options;
  const name = toUtf8(channel);
  const flags = (echo ? 0 : NO_ECHO) | (atMostOnce ? AT_MOST_ONCE : 0) |
    (expected === undefined ? 0 : COMPARE);
  engine.put(name, payload.bytes);
  checked(engine.command('publish', name.length, payload.type,
    payload.bytes.length, flags, ttlMs, ...positionWords(expected)),
  Code.OUTBOX_FULL);
  return toHex(engine.result(0), engine.result(1));
}

/** The words of bridge_info. */
function readInfo(engine: Engine): Pick<
  Info, 'connectionId' | 'clientId' | 'user' | 'endpoint' | 'duplicates' |
  'outbox' | 'limits'
> {
  engine.command('info');
  const word = (index: number) => engine.result(index);
  return {
    connectionId: toId(word(0), word(1)),
    clientId: toId(word(2), word(3)),
    user: engine.resultText(4),
    endpoint: engine.resultText(6),
    duplicates: toNumber(word(8), word(9)),
    outbox: { count: word(10), bytes: word(11) },
    limits: {
      maxFrameBytes: word(12), maxMessageBytes: word(13),
      maxChannelBytes: word(14), maxSubscriptions: word(15),
      maxPresenceBytes: word(16), maxCalls: word(17), maxQueueBytes: word(18),
      publishPerSecond: word(19),
    },
  };
}

// SPDX-License-Identifier: MIT
// client-core.ts - the client, but for where its core comes from.

import { fromHex, toHex, toNumber, toId, toUtf8, wordBytes } from './bytes.js';
import { Code } from './codes.js';
import { Emitter } from './emitter.js';
import { Engine } from './engine.js';
import { checked, GodwitError, NOT_FOUND, reasonOf, STATE } from './error.js';
import type { EventReader } from './event-reader.js';
import { Feed, memberOf, positionWords } from './feed.js';
import {
  CallEvent, Event, EventType, Facts, PublishedEvent, ReplyEvent, StateEvent,
  TokenEvent,
} from './layout.js';
import { Call, type Module } from './module.js';
import type {
  CallOptions, ClientOptions, PublishOptions, Retry, SubscribeOptions,
} from './options.js';
import {
  decodePayload, encodePayload, NOTHING, type EncodedPayload,
} from './payload.js';
import { retryWords, type Settings } from './settings.js';
import { socketUrl } from './socket.js';
import { STATES } from './states.js';
import type { Subscription } from './subscription.js';
import { tokensOf, type Tokens } from './tokens.js';
import type {
  CallHandler, ClientEvents, Info, Limits, Member, Payload, Published,
  Publishing,
  Reason, Received, State,
} from './types.js';

/** Of an answer: GW_MAX_REASON_BYTES in characters of any size. */
const REASON_CHARS = 30;

/** A promise's other end. */
interface Deferred<T> {
  _resolve(value: T): void;
  _reject(error: unknown): void;
}

/** A request that waits for its reply. */
interface Request extends Deferred<Received> {
  /** What came of a list that comes in parts; undefined for a call. */
  readonly _members: Member[] | undefined;
}

type Run = (engine: Engine) => void;
type Fail = (error: unknown) => void;

/** What the client knows of its state from the last event of it. */
interface Situation {
  readonly state: State;
  readonly since: number;
  readonly reason: Reason;
  readonly attempt: number;
  readonly retryAt: number | null;
}

/** gw_limits. */
const LIMITS: readonly (keyof Limits)[] = [
  'maxFrameBytes', 'maxMessageBytes', 'maxChannelBytes', 'maxSubscriptions',
  'maxPresenceBytes', 'maxCalls', 'maxQueueBytes', 'publishPerSecond',
];

const CONNECTED: readonly State[] = ['syncing', 'ready', 'degraded'];

/**
 * A connection that stays up. Made without any work; the core is loaded at the
 * first `connect()` or command, and commands given before it is there wait.
 */
export abstract class ClientCore extends Emitter<ClientEvents> {
  readonly #settings: Settings;
  readonly #tokens: Tokens | null;
  #engine: Engine | null = null;
  #isLoading = false;
  #isFreed = false;
  /** The application wants a connection. */
  #isWanted = false;
  /** Commands that wait for the core. */
  #waiting: [Run, Fail][] = [];
  #situation: Situation = {
    state: 'idle', since: Date.now(), reason: reasonOf(Code.OK), attempt: 0,
    retryAt: null,
  };
  #rttMs: number | null = null;
  readonly #ready: Deferred<void>[] = [];
  readonly #feedByChannel = new Map<string, Feed>();
  /** @internal By the core's number. */
  readonly _feeds = new Map<number, Feed>();
  readonly #publishing = new Map<string, Deferred<Published>>();
  readonly #requests = new Map<number, Request>();
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
      _endpoints: urls.map(socketUrl),
      _options: options,
      _retry: retryWords(options.retry),
      _token: options.token ?? '',
    };
    this.#tokens = tokensOf(options);
  }

  /** @internal Makes or finds an instance of the core. */
  protected abstract _load(options: ClientOptions): Promise<Module>;

  // ---- connection ----------------------------------------------------------

  /** Connects, or comes back now instead of waiting. */
  connect(): void {
    const { _options: options } = this.#settings;
    if (options.WebSocket === undefined &&
        typeof globalThis.WebSocket !== 'function') {
      throw new GodwitError(Code.UNSUPPORTED,
        'there is no WebSocket here: give a class as options.WebSocket');
    }
    this.#isWanted = true;
    this.#command((engine) => {
      engine._watch();
      checked(engine._command(Call.CONNECT));
    });
  }

  /** Says goodbye and closes. Subscriptions and unacknowledged publications
   * stay, for a later `connect()`; until then `publish` is refused (CLOSED). */
  close(): void {
    this.#isWanted = false;
    if (this.#engine === null && !this.#isLoading) {
      this.#moveTo('closed', reasonOf(Code.CLOSED));
      return;
    }
    this.#command((engine) => {
      engine._unwatch();
      engine._command(Call.CLOSE);
    });
  }

  /** Ends everything without a goodbye and gives its memory back. What waits is
   * rejected; the client is of no use afterwards. */
  free(): void {
    if (this.#isFreed) return;
    this.#engine?._destroy();
    this.#isFreed = true;
    this.#isWanted = false;
    const error = new GodwitError(Code.CLOSED);
    for (const feed of this.#feedByChannel.values()) {
      feed._end(reasonOf(Code.CLOSED));
    }
    this.#feedByChannel.clear();
    this.#forgetCore(error);
    this.#moveTo('closed', reasonOf(Code.CLOSED));
  }

  get state(): State {
    return this.#situation.state;
  }

  get info(): Info {
    const transport = CONNECTED.includes(this.state) ? 'websocket' : null;
    return {
      ...this.#situation, rttMs: this.#rttMs, transport,
      ...readFacts(this.#engine, this.#settings._endpoints[0]!),
    };
  }

  /** Resolves when the client is ready, at once if it is; rejects when it is
   * closed or fails. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { state, reason } = this.#situation;
      const isOver = state === 'closed' || state === 'failed';
      if (state === 'ready') resolve();
      else if (isOver && !this.#isWanted) reject(errorOf(reason));
      else this.#ready.push({ _resolve: resolve, _reject: reject });
    });
  }

  /** Changes the retry policy, from the next attempt on. */
  setRetry(policy: Retry): void {
    const words = retryWords(policy);
    this.#settings._retry = words;
    this.#engine?._command(Call.SET_RETRY, [], wordBytes(words));
  }

  /** Changes the token, from the next connection on. */
  setToken(token: string): void {
    this.#settings._token = token;
    const bytes = toUtf8(token);
    checked(this.#engine?._command(Call.SET_TOKEN, [bytes.length], bytes) ?? 0);
  }

  // ---- channels ------------------------------------------------------------

  /** Subscribes to a channel, until `unsubscribe()`. The same channel again
   * shares what is there and costs the server nothing. */
  subscribe(channel: string, options: SubscribeOptions = {}): Subscription {
    this.#checkAlive();
    if (typeof options.since === 'object') fromHex(options.since.epoch);
    const known = this.#feedByChannel.get(channel);
    const feed = known ?? new Feed(this, channel, options);
    const subscription = feed._add(options);
    if (known === undefined) {
      this.#feedByChannel.set(channel, feed);
      if (this.#engine !== null) feed._start(this.#engine);
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
    const promise = this.#ask<Published>(() => {
      const payload = encodePayload(data);
      return (engine, deferred) => {
        const id = putPublish(engine, channel, payload, options);
        if (!options.atMostOnce) key = id;
        this.#publishing.set(id, deferred);
      };
    });
    return Object.defineProperty(promise, 'key', {
      get: () => key, enumerable: true,
    }) as Publishing;
  }

  /** Asks who is in a channel, subscribed or not. */
  members(channel: string): Promise<Member[]> {
    return this.#request([], () => {
      const bytes = toUtf8(channel);
      return (engine) =>
        engine._command(Call.PRESENCE_GET, [bytes.length], bytes);
    });
  }

  // ---- calls ---------------------------------------------------------------

  /** Calls a method of the server, or of another client. Never sent twice. */
  call(
    method: string, data?: Payload, options: CallOptions = {},
  ): Promise<Received> {
    return this.#request(undefined, () => {
      const name = toUtf8(method);
      const { _type: type, _bytes: bytes } =
        data === undefined ? NOTHING : encodePayload(data);
      // gw_call_options.
      const words = wordBytes([
        options.timeoutMs ?? 0, 0, ...options.to ? fromHex(options.to) : [0, 0],
      ]);
      return (engine) => engine._command(
        Call.CALL, [name.length, type, bytes.length], words, name, bytes);
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
  #command(run: Run, fail: Fail = () => {}): void {
    this.#checkAlive();
    const engine = this.#engine;
    if (engine === null) {
      this.#waiting.push([run, fail]);
      this.#startLoading();
      return;
    }
    try {
      run(engine);
    } catch (error) {
      fail(error);
    }
  }

  /** A command with an outcome. prepare: what is done at once, so that later
   * changes of its arguments do not matter. */
  #ask<T>(
    prepare: () => (engine: Engine, deferred: Deferred<T>) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = prepare();
      const deferred = { _resolve: resolve, _reject: reject };
      this.#command((engine) => run(engine, deferred), reject);
    });
  }

  #request(
    members: Member[] | undefined, prepare: () => (engine: Engine) => number,
  ): Promise<Received> {
    return this.#ask(() => {
      const run = prepare();
      return (engine, deferred) => this.#requests.set(
        checked(run(engine)), { ...deferred, _members: members });
    });
  }

  #startLoading(): void {
    if (this.#isLoading || this.#engine !== null) return;
    this.#isLoading = true;
    this.#loadCore().catch((error: unknown) => {
      this.#isLoading = false;
      if (!this.#isFreed) this._broken(error);
    });
  }

  async #loadCore(): Promise<void> {
    const { _options: options } = this.#settings;
    const module = await this._load(options);
    const entries = [...await options.outbox?.store?.load() ?? []];
    if (this.#isFreed) return;
    const engine = new Engine(module, this.#settings, this);
    this.#isLoading = false;
    this.#engine = engine;
    // Keys are hexadecimal of one length: their order is that of the numbers.
    entries.sort(([a], [b]) => a < b ? -1 : 1);
    for (const [, entry] of entries) {
      checked(engine._command(Call.RESTORE, [entry.length], entry));
    }
    for (const feed of this.#feedByChannel.values()) feed._start(engine);
    for (const each of this.#waiting.splice(0)) this.#command(...each);
  }

  /** @internal The core could not be loaded, or trapped. The next connect() tries
   * anew. */
  _broken(error: unknown): void {
    const reason = reasonOf(Code.INTERNAL, String(error));
    this.#isWanted = false;
    this.#forgetCore(errorOf(reason));
    for (const feed of this.#feedByChannel.values()) feed._abandon(reason);
    this.#moveTo('failed', reason);
    this._failed(error);
  }

  #forgetCore(error: GodwitError): void {
    this.#engine = null;
    this._feeds.clear();
    for (const pending of [this.#publishing, this.#requests]) {
      for (const { _reject: reject } of pending.values()) reject(error);
      pending.clear();
    }
    for (const [, fail] of this.#waiting.splice(0)) fail(error);
  }

  // ---- events --------------------------------------------------------------

  /** @internal */
  _event(reader: EventReader): void {
    const id = reader._id;
    const feed = this._feeds.get(id);
    const of = feed?._isOf(this.#engine!._turn) ? feed : undefined;
    switch (reader._word(Event.TYPE)) {
      case EventType.STATE: return this.#onState(reader);
      case EventType.SUB_STATE: return of?._onState(reader);
      case EventType.PUBLICATION: return of?._onPublication(reader);
      case EventType.GAP: return of?._onGap(reader);
      case EventType.PRESENCE: return of?._onPresence(reader);
      case EventType.PRESENCE_SYNC: return of?._onPresenceSync(reader);
      case EventType.PUBLISHED: return this.#onPublished(reader);
      case EventType.MEMBER:
        return void this.#requests.get(id)?._members?.push(memberOf(reader));
      case EventType.REPLY: return this.#onReply(reader);
      case EventType.CALL: return this.#onCall(reader);
      case EventType.TOKEN: return this.#onToken(reader);
      case EventType.RTT: return this._emit('rtt', { ms: this.#rttMs = id });
    }
  }

  #onToken(reader: EventReader): void {
    const sub = reader._word(TokenEvent.SUB);
    const tokens = sub === 0 ? this.#tokens : this._feeds.get(sub)?._tokens;
    tokens?._answer(this.#engine!, reader._id, this);
  }

  #onState(reader: EventReader): void {
    const retryAt = reader._number(StateEvent.RETRY_AT_MS);
    const delay = retryAt - reader._number(Event.AT_MS);
    this.#moveTo(
      STATES[reader._word(StateEvent.TO)]!,
      reasonOf(reader._word(StateEvent.CODE), reader._text(StateEvent.REASON)),
      reader._word(StateEvent.ATTEMPT),
      retryAt === 0 ? null : Date.now() + delay);
  }

  #moveTo(
    to: State, reason: Reason, attempt = 0, retryAt: number | null = null,
  ): void {
    const from = this.#situation.state;
    if (from === to) return;
    this.#situation = { state: to, since: Date.now(), reason, attempt, retryAt };
    if (to === 'failed') {
      this.#isWanted = false;
      this.#engine?._unwatch();
    }
    if (to === 'ready') {
      for (const { _resolve: resolve } of this.#ready.splice(0)) resolve();
    } else if (to === 'failed' || (to === 'closed' && !this.#isWanted)) {
      const error = errorOf(reason);
      for (const { _reject: reject } of this.#ready.splice(0)) reject(error);
    }
    this._emit('state', { from, to, reason, attempt, retryAt });
  }

  #onPublished(reader: EventReader): void {
    const key = reader._hex(PublishedEvent.KEY);
    const deferred = this.#publishing.get(key);
    this.#publishing.delete(key);
    const code = reader._word(PublishedEvent.CODE);
    if (code === Code.OK) {
      deferred?._resolve({
        position: reader._position(PublishedEvent.POSITION),
        duplicate: reader._is(PublishedEvent.DUPLICATE),
      });
    } else {
      deferred?._reject(
        new GodwitError(code, reader._text(PublishedEvent.REASON)));
    }
  }

  #onReply(reader: EventReader): void {
    const { _id: id } = reader;
    const code = reader._word(ReplyEvent.CODE);
    const request = this.#requests.get(id);
    if (code === Code.OK && reader._is(ReplyEvent.MORE)) return;
    this.#requests.delete(id);
    if (code !== Code.OK) {
      const error = new GodwitError(code, reader._text(ReplyEvent.REASON),
        reader._word(ReplyEvent.RETRY_AFTER_MS));
      // Without a request: what a subscription told about presence is refused.
      if (id === 0) this._failed(error);
      request?._reject(error);
    } else if (request !== undefined) {
      const { _members: members, _resolve: resolve, _reject: reject } = request;
      try {
        resolve(members ?? decodePayload(
          reader._word(ReplyEvent.TYPE), reader._bytes(ReplyEvent.BYTES)));
      } catch (error) {
        reject(error);
      }
    }
  }

  #onCall(reader: EventReader): void {
    const engine = this.#engine!;
    const { _id: id } = reader;
    const type = reader._word(CallEvent.TYPE);
    const bytes = reader._bytes(CallEvent.BYTES);
    const context = {
      from: reader._hexOrNull(CallEvent.FROM),
      user: reader._text(CallEvent.FROM_USER),
    };
    const handler = this.#methods.get(reader._text(CallEvent.METHOD));
    const answer = (code: number, reason: string, payload: EncodedPayload) => {
      if (engine !== this.#engine) return;
      const text = toUtf8(reason);
      const result = engine._command(Call.ANSWER,
        [id, code, text.length, payload._type, payload._bytes.length],
        text, payload._bytes);
      // The caller may be gone, which is nothing that anybody could use.
      if (result !== NOT_FOUND) checked(result);
    };
    if (handler === undefined) {
      answer(Code.UNKNOWN_METHOD, '', NOTHING);
      return;
    }
    const run = async () => {
      const value = await handler(decodePayload(type, bytes), context);
      answer(Code.OK, '', value === undefined ? NOTHING : encodePayload(value));
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

  /** @internal Its channel is free for another one. */
  _feedEnded(id: number, feed: Feed): void {
    this._feeds.delete(id);
    if (this.#feedByChannel.get(feed._channel) === feed) {
      this.#feedByChannel.delete(feed._channel);
    }
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
      this._emit(
        'error', error instanceof Error ? error : new Error(String(error)));
      this.#isTellingError = false;
    }
  }

  /** A handler of `error` that throws is reported, not told again. */
  #isTellingError = false;
}

function errorOf(reason: Reason): GodwitError {
  return new GodwitError(reason.code, reason.message);
}

/** Returns the key. */
function putPublish(
  engine: Engine, channel: string, payload: EncodedPayload,
  { echo = true, atMostOnce = false, expected, ttlMs = 0 }: PublishOptions,
): string {
  const name = toUtf8(channel);
  // gw_publish_options.
  const flags = Number(!echo) | Number(atMostOnce) << 8 |
    Number(expected !== undefined) << 16;
  const options = wordBytes([
    flags, 0, ...expected ? positionWords(expected) : [0, 0, 0, 0], ttlMs, 0,
  ]);
  const result = engine._command(Call.PUBLISH,
    [name.length, payload._type, payload._bytes.length],
    options, name, payload._bytes);
  if (atMostOnce && result === STATE) {
    throw new GodwitError(Code.CONNECTION_LOST);
  }
  checked(result, Code.OUTBOX_FULL);
  return toHex(engine._returned(0), engine._returned(1));
}

/** gw_client_info, or what holds before there is one. */
function readFacts(engine: Engine | null, endpoint: string): Pick<
  Info, 'connectionId' | 'clientId' | 'user' | 'endpoint' | 'duplicates' |
  'outbox' | 'limits'
> {
  const at = engine?._command(Call.INFO) ?? 0;
  const word = (index: number) => at && engine!._wordAt(at, index);
  const text = (index: number) => at ? engine!._textAt(at, index) : '';
  const id = (index: number) => toId(word(index), word(index + 1));
  const limits = LIMITS.map((name, i) => [name, word(Facts.LIMITS + i)]);
  return {
    connectionId: id(Facts.CONNECTION),
    clientId: id(Facts.CLIENT),
    user: text(Facts.USER),
    endpoint: text(Facts.ENDPOINT) || endpoint,
    limits: Object.fromEntries(limits) as Limits,
    outbox: { count: word(Facts.OUTBOX_COUNT), bytes: word(Facts.OUTBOX_BYTES) },
    duplicates: toNumber(
      word(Facts.NUM_DUPLICATES), word(Facts.NUM_DUPLICATES + 1)),
  };
}

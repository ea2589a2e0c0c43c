// SPDX-License-Identifier: MIT
// client-core.ts - the client: what is in every build, but for where its core
// comes from.

import { copyOf, fromHex, toUtf8 } from './bytes.js';
import { Code } from './codes.js';
import { Emitter } from './emitter.js';
import { Engine } from './engine.js';
import { checked, GodwitError, reasonOf, Result } from './error.js';
import type { EventReader } from './event-reader.js';
import { Feed, positionWords, reasonOfName } from './feed.js';
import {
  CallEvent, Event, EventType, Facts, PublishedEvent, ReplyEvent, StateEvent,
  SubEvent, TokenEvent,
} from './layout.js';
import type {
  LiteClientEvents, LitePublishOptions, LiteSubscribeOptions,
} from './lite-types.js';
import { Call, type Module } from './module.js';
import type {
  CallOptions, ClientOptions, PublishOptions, Retry, SubscribeOptions,
} from './options.js';
import {
  decodePayload, encodeOptional, encodePayload, NOTHING, type EncodedPayload,
} from './payload.js';
import { report } from './report.js';
import { retryWords, type Settings } from './settings.js';
import { socketUrl } from './socket.js';
import { STATES } from './states.js';
import type { Subscription } from './subscription.js';
import type { SubscriptionCore } from './subscription-core.js';
import { tokensOf, type Tokens } from './tokens.js';
import type {
  CallHandler, ClientEvents, Info, Limits, Payload, Published, Publishing,
  Reason, Received, State,
} from './types.js';

/** Of an answer: GW_MAX_REASON_BYTES in characters of any size. */
const REASON_CHARS = 30;

/** An event of our own at which `ready()` looks again: an end may be told of a
 * state that has ended already. */
const LOOK = '' as 'state';

/** A promise's other end. */
interface Deferred<T> {
  _resolve(value: T): void;
  _reject(error: unknown): void;
}

/** A publish or a request that waits for its answer. */
interface Pending extends Deferred<Received> {
  /** The answer, where it comes in parts. */
  readonly _parts?: unknown[];
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
  'maxGroupMembers', 'maxGroupRoles',
];

/** With the events of either build. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyClient = ClientCore<any>;

/**
 * A connection that stays up. Made without any work; the core is loaded at the
 * first `connect()` or command, and commands given before it is there wait.
 */
export abstract class ClientCore<
  Events extends LiteClientEvents = LiteClientEvents,
> extends Emitter<Events, ClientEvents> {
  readonly #settings: Settings;
  readonly #tokens: Tokens | null;
  #engine: Engine | null = null;
  #isLoading = false;
  #isFreed = false;
  /** The application wants a connection. */
  #isWanted = false;
  /** Commands that wait for the core. */
  #waiting: [Run, Fail][] = [];
  /** Times that the network had no core for us. */
  #numMisses = 0;
  /** The timer of the next attempt. */
  #nextLoad?: ReturnType<typeof setTimeout> | void;
  #situation: Situation = {
    state: 'idle', since: Date.now(), reason: reasonOf(Code.OK), attempt: 0,
    retryAt: null,
  };
  #rttMs: number | null = null;
  readonly #feedByChannel = new Map<string, Feed>();
  /** @internal By the core's number. */
  readonly _feeds = new Map<number, Feed>();
  /** @internal By key or by number of the request. */
  protected readonly _pending = new Map<string | number, Pending>();
  readonly #methods = new Map<string, CallHandler>();

  /** url: one or more endpoints, tried in turn, such as
   * `wss://example.org/v1/ws`; a page may leave out its own origin. */
  constructor(
    url: string | URL | readonly (string | URL)[], options: ClientOptions = {},
  ) {
    super();
    const urls = [url].flat() as (string | URL)[];
    if (!urls.length) throw new TypeError('no URL');
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
    if (!(options.WebSocket ?? globalThis.WebSocket)) {
      throw new GodwitError(Code.UNSUPPORTED,
        'options.WebSocket is needed');
    }
    this.#command((engine) => {
      engine._watch();
      checked(engine._command(Call.CONNECT));
    });
    this.#isWanted = true;
    this.#startLoading(true);
  }

  /** Says goodbye and closes. Subscriptions and unacknowledged publications
   * stay, for a later `connect()`; until then `publish` is refused (CLOSED), as
   * is what waits for a core that cannot be loaded. */
  close(): void {
    this.#isWanted = false;
    if (this.#engine || this.#isLoading) {
      this.#command((engine) => {
        engine._unwatch();
        engine._command(Call.CLOSE);
      });
    } else this.#end();
    this._emit(LOOK);
  }

  /** Ends everything without a goodbye and gives its memory back. What waits is
   * rejected; the client is of no use afterwards. */
  free(): void {
    if (this.#isFreed) return;
    this.#engine?._destroy();
    this.#isFreed = true;
    this.#isWanted = this.#isLoading = false;
    const reason = this.#end();
    for (const feed of this.#feedByChannel.values()) feed._end(reason);
    this.#feedByChannel.clear();
  }

  /** Without a core, and none is asked for. */
  #end(): Reason {
    const reason = reasonOf(Code.CLOSED);
    this.#nextLoad = clearTimeout(this.#nextLoad!);
    this.#forgetCore(reason);
    this.#moveTo('closed', reason);
    return reason;
  }

  /** State of the connection. */
  get state(): State {
    return this.#situation.state;
  }

  /** Facts as of now. */
  get info(): Info {
    return {
      ...this.#situation, rttMs: this.#rttMs,
      ...readFacts(this.#engine, this.#settings._endpoints[0]!),
    };
  }

  /** Resolves when the client is ready, at once if it is; rejects when it is
   * closed or fails. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const { state, reason } = this.#situation;
        const isOver = state === 'closed' || state === 'failed';
        if (state === 'ready') resolve();
        else if (isOver && !this.#isWanted) reject(errorOf(reason));
        else return;
        end();
      };
      const end = this.on(LOOK, look);
      look();
    });
  }

  /** Changes the retry policy, from the next attempt on; a wait that runs is
   * drawn again. */
  setRetry(policy: Retry): void {
    const words = retryWords(policy);
    this.#settings._retry = words;
    this.#engine?._command(Call.SET_RETRY, [], words);
  }

  /** Changes the token, from the next connection on. */
  setToken(token: string): void {
    checked(this.#engine?._command(Call.SET_TOKEN, [], [], token) ?? 0);
    this.#settings._token = token;
  }

  // ---- channels ------------------------------------------------------------

  /** Subscribes to a channel, until `unsubscribe()`. The same channel again
   * shares what is there and costs the server nothing. */
  subscribe(
    channel: string, options: LiteSubscribeOptions = {},
  ): SubscriptionCore {
    this.#checkAlive();
    if (typeof options.since === 'object') positionWords(options.since);
    const known = this.#feedByChannel.get(channel);
    const feed = known ?? this._newFeed(channel, options);
    const subscription = feed._add(options);
    if (!known) {
      this.#feedByChannel.set(channel, feed);
      if (this.#engine) feed._start(this.#engine);
      else this.#startLoading();
    }
    return subscription;
  }

  /** Publishes. The promise resolves when the server has it, with its position;
   * until then it is sent again after each lost connection, and arrives once. */
  publish(
    channel: string, data: Payload, options: LitePublishOptions = {},
  ): Publishing {
    let key: string | null = null;
    const promise = this.#ask<Published>(
      () => {
        const bad = reasonOfName(channel);
        if (bad) throw errorOf(bad);
        return options.removed ? NOTHING : encodePayload(data);
      },
      (engine, payload, deferred) => {
        const id = this.#putPublish(engine, channel, payload, options);
        if (!options.atMostOnce) key = id;
        this._pending.set(id, deferred);
      });
    return Object.defineProperty(
      promise, 'key', { get: () => key }) as Publishing;
  }

  // ---- calls ---------------------------------------------------------------

  /** Calls a method of the server, or of another client. Never sent twice. */
  call(
    method: string, data?: Payload,
    { timeoutMs, to = '0' }: CallOptions = {},
  ): Promise<Received> {
    // The struct is gw_call_options.
    return this._request(data, (engine, payload) => engine._command(
      Call.CALL, [], [timeoutMs, 0, ...fromHex(to)], method, payload));
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
    if (this.#isFreed) throw new GodwitError(Code.CLOSED);
  }

  /** Gives a command now, or when the core is there. */
  #command(run: Run, fail: Fail = () => {}): void {
    this.#checkAlive();
    const engine = this.#engine;
    if (!engine) {
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

  /** A command with a payload and an outcome. The payload is encoded at once. */
  #ask<T>(
    encode: () => EncodedPayload,
    run: (engine: Engine, payload: EncodedPayload, end: Deferred<T>) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const payload = encode();
      const deferred = { _resolve: resolve, _reject: reject };
      this.#command((engine) => run(engine, payload, deferred), reject);
    });
  }

  /** @internal parts: what comes of an answer in parts. */
  protected _request(
    data: unknown, run: (engine: Engine, payload: EncodedPayload) => number,
    parts?: unknown[],
  ): Promise<Received> {
    return this.#ask(() => encodeOptional(data), (engine, payload, end) =>
      this._pending.set(
        checked(run(engine, payload)), { ...end, _parts: parts }));
  }

  /** Returns the key. */
  #putPublish(
    engine: Engine, channel: string, payload: EncodedPayload,
    options: LitePublishOptions,
  ): string {
    const {
      echo = true, atMostOnce, expected, ttlMs, item = '',
      compareItem, removed = false,
    } = options;
    const flags = Number(!echo) | Number(atMostOnce) << 8 |
      Number(expected !== undefined) << 16 |
      Number(compareItem !== undefined) << 24;
    // gw_publish_options.
    const words = [
      flags, Number(removed), ...positionWords(compareItem ?? expected), ttlMs,
      0, toUtf8(item).length, 0, 0, 0, 0, 0, 0, 0,
    ];
    const result = this._tellPublish(
      engine, words, channel + item, payload, options);
    if (atMostOnce && result === Result.STATE) {
      throw new GodwitError(Code.CONNECTION_LOST);
    }
    checked(result, Code.OUTBOX_FULL);
    return engine._returned._id(0)!;
  }

  /** @internal Tell the core, which the full client adds to. */
  protected _tellPublish(
    engine: Engine, words: (number | undefined)[], texts: string,
    payload: EncodedPayload,
    _options: PublishOptions,
  ): number {
    return engine._command(Call.PUBLISH, [0], words, texts, payload);
  }

  /** isDue: also while the next attempt waits. */
  #startLoading(isDue = !this.#nextLoad): void {
    if (this.#isLoading || this.#engine || !isDue) return;
    this.#isLoading = true;
    this.#nextLoad = clearTimeout(this.#nextLoad!);
    if (this.#numMisses) this.#moveTo('connecting', reasonOf(Code.OK));
    this.#loadCore().catch((error: unknown) => {
      this.#isLoading = false;
      // As fetch says that it did not come through.
      if (this.#isWanted && error instanceof TypeError) this.#loadLater(error);
      else if (!this.#isFreed) this._broken(error);
    });
  }

  /** After up to one second, then two, three, to 15. */
  #loadLater(error: TypeError): void {
    const ms = 1000 * Math.random() * Math.min(++this.#numMisses, 15);
    this.#nextLoad = setTimeout(() => this.#startLoading(true), ms);
    this.#moveTo('waiting', reasonOf(Code.CONNECTION_LOST, String(error)),
      this.#numMisses, Date.now() + ms);
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
      try {
        checked(engine._command(Call.RESTORE, [], [], entry));
      } catch (error) {
        this._failed(error);
      }
    }
    for (const feed of this.#feedByChannel.values()) feed._start(engine);
    for (const each of this.#waiting.splice(0)) this.#command(...each);
  }

  /** @internal The core could not be loaded, or trapped. The next connect() tries
   * anew. */
  _broken(error: unknown): void {
    const reason = reasonOf(Code.INTERNAL, String(error));
    this.#isWanted = false;
    this.#forgetCore(reason);
    for (const feed of this.#feedByChannel.values()) feed._abandon(reason);
    this.#moveTo('failed', reason);
    this._failed(error);
  }

  #forgetCore(reason: Reason): void {
    const error = errorOf(reason);
    this.#engine = null;
    this._feeds.clear();
    for (const { _reject: reject } of this._pending.values()) reject(error);
    this._pending.clear();
    for (const [, fail] of this.#waiting.splice(0)) fail(error);
  }

  // ---- events --------------------------------------------------------------

  /** @internal */
  _event(reader: EventReader): void {
    const id = reader._about;
    const feed = this._feeds.get(id);
    const of = feed?._isOf(this.#engine!._turn) ? feed : undefined;
    switch (reader._word(Event.TYPE)) {
      case EventType.STATE: return this.#onState(reader);
      case EventType.SUB_STATE:
        return (of ?? this.#adopt(reader))?._onState(reader);
      case EventType.PUBLICATION: return of?._onPublication(reader);
      case EventType.GAP: return of?._onGap(reader);
      case EventType.PUBLISHED: return this.#onPublished(reader);
      case EventType.REPLY: return this.#onReply(reader);
      case EventType.CALL: return this.#onCall(reader);
      case EventType.TOKEN: return this.#onToken(reader);
      case EventType.RTT: return this._emit('rtt', { ms: this.#rttMs = id });
      default: return this._moreEvents(reader, of);
    }
  }

  /** @internal Those of features that are not in every build. feed: that the
   * event is about. */
  protected _moreEvents(_reader: EventReader, _feed?: Feed): void {}

  /** @internal */
  protected _newFeed(channel: string, options: SubscribeOptions): Feed {
    return new Feed(this, channel, options);
  }

  #onToken(reader: EventReader): void {
    const sub = reader._word(TokenEvent.SUB);
    const tokens = sub === 0 ? this.#tokens : this._feeds.get(sub)?._tokens;
    tokens?._answer(this.#engine!, reader._about, this);
  }

  /** The feed of a subscription that the server has begun. */
  #adopt(reader: EventReader): Feed | undefined {
    if (!reader._is(SubEvent.BY_SERVER)) return undefined;
    const channel = copyOf(reader._text(SubEvent.CHANNEL));
    // A handler may have subscribed to it a moment ago.
    const known = this.#feedByChannel.get(channel);
    const feed = known ?? this._newFeed(channel, {});
    feed._adopt(this.#engine!, reader._about);
    if (!known) {
      this.#feedByChannel.set(channel, feed);
      this._emit('subscription', feed._add({}) as Subscription);
    }
    return feed;
  }

  #onState(reader: EventReader): void {
    this.#moveTo(
      STATES[reader._word(StateEvent.TO)]!,
      reader._reason(StateEvent.REASON),
      reader._word(StateEvent.ATTEMPT),
      this.#engine!._wallTime(reader._number(StateEvent.RETRY_AT_MS)));
  }

  #moveTo(
    to: State, reason: Reason, attempt = 0, retryAt: number | null = null,
  ): void {
    const from = this.#situation.state;
    if (from !== to) {
      this.#situation =
        { state: to, since: Date.now(), reason, attempt, retryAt };
      if (to === 'failed') {
        this.#isWanted = false;
        this.#engine?._unwatch();
      }
      this._emit('state', { from, to, reason, attempt, retryAt });
    }
    this._emit(LOOK);
  }

  #take(id: string | number): Pending | undefined {
    const pending = this._pending.get(id);
    this._pending.delete(id);
    return pending;
  }

  #onPublished(reader: EventReader): void {
    const pending = this.#take(reader._id(PublishedEvent.KEY)!);
    const reason = reader._reason(PublishedEvent.REASON);
    if (reason.code === Code.OK) {
      pending?._resolve({
        position: reader._position(PublishedEvent.POSITION),
        duplicate: reader._is(PublishedEvent.DUPLICATE),
      });
    } else {
      const error =
        errorOf(reason, reader._word(PublishedEvent.RETRY_AFTER_MS));
      // A property of its own in few errors only.
      pending?._reject(Object.assign(
        error, { field: reader._text(PublishedEvent.FIELD) }));
    }
  }

  #onReply(reader: EventReader): void {
    const { _about: id } = reader;
    const reason = reader._reason(ReplyEvent.REASON);
    if (reader._is(ReplyEvent.MORE)) return;
    const pending = this.#take(id);
    try {
      if (reason.code !== Code.OK) {
        throw errorOf(reason, reader._word(ReplyEvent.RETRY_AFTER_MS));
      }
      pending?._resolve(pending._parts ??
        decodePayload(reader._payload(ReplyEvent.PAYLOAD)));
    } catch (error) {
      // Without a request: what a subscription told about presence is refused.
      if (!id) this._failed(error);
      pending?._reject(error);
    }
  }

  #onCall(reader: EventReader): void {
    const engine = this.#engine!;
    const { _about: id } = reader;
    const source = reader._payload(CallEvent.PAYLOAD);
    const context = {
      from: reader._id(CallEvent.FROM),
      user: copyOf(reader._text(CallEvent.FROM_USER)),
    };
    const handler = this.#methods.get(reader._text(CallEvent.METHOD));
    const answer = (
      code: number, payload = NOTHING, reason = '', retryAfterMs = 0,
    ) => {
      if (engine !== this.#engine) return;
      const result = engine._command(
        Call.ANSWER, [id, code, retryAfterMs], [], reason, payload);
      // The caller may be gone, which is nothing that anybody could use.
      if (result !== Result.NOT_FOUND) checked(result);
    };
    if (!handler) {
      answer(Code.UNKNOWN_METHOD);
      return;
    }
    const run = async () => {
      const value = await handler(decodePayload(source), context);
      answer(Code.OK, encodeOptional(value));
    };
    run().catch((error: unknown) => {
      // One whose code says that nothing failed is as any other error.
      if (!(error instanceof GodwitError && error.code >>> 0)) throw error;
      answer(error.code, NOTHING, error.message.slice(0, REASON_CHARS),
        error.retryAfterMs);
    }).catch((error: unknown) => {
      // Also of the answer, which may have been no text.
      answer(Code.HANDLER_FAILED);
      this._failed(error);
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
    report(error);
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

function errorOf({ code, message }: Reason, retryAfterMs = 0): GodwitError {
  return new GodwitError(code, message, retryAfterMs);
}

/** gw_client_info, or what holds before there is one. */
function readFacts(engine: Engine | null, endpoint: string): Pick<
  Info, 'transport' | 'connectionId' | 'clientId' | 'user' | 'endpoint' |
  'resumed' | 'duplicates' | 'outbox' | 'limits'
> {
  const facts = engine?._facts();
  const word = (index: number) => facts?._word(index) ?? 0;
  const connectionId = facts?._id(Facts.CONNECTION) ?? null;
  return {
    transport: connectionId ? 'websocket' : null,
    connectionId,
    clientId: facts?._id(Facts.CLIENT) ?? null,
    user: facts?._text(Facts.USER) ?? '',
    endpoint: facts?._text(Facts.ENDPOINT) || endpoint,
    resumed: facts?._is(Facts.RESUMED) ?? false,
    limits: Object.fromEntries(
      LIMITS.map((name, i) => [name, word(Facts.LIMITS + i)]),
    ) as unknown as Limits,
    outbox: { count: word(Facts.OUTBOX_COUNT), bytes: word(Facts.OUTBOX_BYTES) },
    duplicates: facts?._number(Facts.NUM_DUPLICATES) ?? 0,
    // A wait may have been drawn again since it was told.
    ...engine && { retryAt: engine._wallTime(facts!._number(Facts.RETRY_AT_MS)) },
  };
}

// SPDX-License-Identifier: MIT
// feed.ts - what the core keeps for a channel, shared by the subscriptions of it.

import { fromHex, toUtf8, toWords } from './bytes.js';
import type { AnyClient } from './client-core.js';
import { Code } from './codes.js';
import type { Engine } from './engine.js';
import { codeOfResult, GodwitError, reasonOf } from './error.js';
import type { EventReader } from './event-reader.js';
import { soon } from './inbox.js';
import { GapEvent, PublicationEvent, SubEvent } from './layout.js';
import { Call } from './module.js';
import type { SubscribeOptions } from './options.js';
import { Publication } from './publication.js';
import { GAP_REASONS, RECOVERIES, SUB_STATES } from './states.js';
import { SubscriptionCore } from './subscription-core.js';
import { tokensOf, type Tokens } from './tokens.js';
import type {
  Position, Reason, SubscriptionState, SubscriptionStateEvent,
} from './types.js';

/** With the events of either build. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnySubscription = SubscriptionCore<any>;

const OVERFLOWS = ['close', 'drop', 'conflate', 'sample'];

/**
 * Positions and batches. The core moves the position of its subscription when it
 * hands a publication over, but what it hands over here is a batch: all
 * publications of a message, read after the core has returned. An application
 * must not notice. So
 *
 *  - each subscription has the position of what its handler was given, not of
 *    what the core has written into the batch;
 *  - what ends in the middle of a batch gets nothing of its rest: the id of the
 *    core's subscription is forgotten at once, and events of an id that nobody
 *    knows are dropped;
 *  - subscribing again from the position of message N asks the server for N + 1
 *    and on, as the core's new subscription begins there and not where the old
 *    one was; a batch that is older than a feed has nothing for it, which `born`
 *    sees to even if the core gave the same id again;
 *  - `close()` in a handler lets the rest of the batch come: the core has counted
 *    it as handed over, and it is.
 *
 * Between batches nothing is outstanding, and the core's position is the truth:
 * it also moves over repeats and over own publications without echo.
 */
export class Feed {
  readonly _channel: string;
  readonly _client: AnyClient;
  readonly _tokens: Tokens | null;
  /** Replaced, never changed: see Emitter. */
  protected _subscriptions: readonly AnySubscription[] = [];
  #since: SubscribeOptions['since'];
  readonly #overflow: number;
  readonly #token: string;
  protected _engine: Engine | null = null;
  protected _id = 0;
  #born = 0;
  /** The last move. */
  #moved: SubscriptionStateEvent = {
    from: 'idle', to: 'idle', reason: reasonOf(Code.OK), recovery: 'continuous',
  };
  #position: Position | null = null;

  constructor(client: AnyClient, channel: string, options: SubscribeOptions) {
    this._client = client;
    this._channel = channel;
    this.#since = options.since;
    this.#token = options.token ?? '';
    this._tokens = tokensOf(options);
    this.#overflow = OVERFLOWS.indexOf(options.overflow ?? 'close');
    if (this.#overflow < 0) {
      throw new TypeError(`no overflow ${options.overflow}`);
    }
  }

  // ---- the core's subscription ---------------------------------------------

  /** Begin in a core, a first time or after the one before broke. */
  _start(engine: Engine): void {
    this._engine = engine;
    const since = this.#position ?? this.#since;
    // gw_sub_options.
    // The token's length is told here, and its text follows the channel's.
    const options = [
      Number(since !== undefined), 0,
      ...positionWords(typeof since === 'object' ? since : undefined),
      Number(this._tokens !== null) << 8, this.#overflow,
      0, toUtf8(this.#token).length, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    const id = this._ask(engine, options, this._channel + this.#token);
    if (id < 0) {
      this.#refused(id);
      return;
    }
    this._id = id;
    this.#born = engine._turn;
    this._client._feeds.set(id, this);
  }

  /** Tell the core what is wanted, which the full client adds to. */
  protected _ask(
    engine: Engine, options: number[], texts: string,
  ): number {
    return engine._command(Call.SUBSCRIBE, [], options, texts);
  }

  /** Take over what the core has begun by itself. */
  _adopt(engine: Engine, id: number): void {
    this._engine = engine;
    this._id = id;
    this.#born = 0;
    this._client._feeds.set(id, this);
  }

  #refused(result: number): void {
    const reason =
      reasonOfName(this._channel) || reasonOf(codeOfResult(result));
    this._client._feedEnded(this._id, this);
    soon(() => this.#move('ended', reason));
  }

  /** Forget the core's subscription, and what it may have put in this batch. */
  #stop(): void {
    if (!this._id) return;
    this._client._feeds.delete(this._id);
    // Until it is not known: the core counts what the server began apart from
    // what a handler asked for before it heard of that.
    while (!this._engine!._command(Call.UNSUBSCRIBE, [this._id]));
    this._id = 0;
  }

  /** The core is gone. */
  _abandon(reason: Reason): void {
    this._engine = null;
    this._id = 0;
    if (this.#moved.to !== 'idle') this.#move('idle', reason);
  }

  /** Begin anew from where everybody is, or from further back. */
  protected _restart(since: SubscribeOptions['since'] | null): void {
    const engine = this._engine;
    if (since !== null) {
      this.#since = since;
      this.#position = null;
    }
    if (!engine) return;
    this.#stop();
    this._start(engine);
  }

  // ---- subscriptions -------------------------------------------------------

  _add(options: SubscribeOptions): AnySubscription {
    this._catchUp();
    const subscription = this._make(options.since);
    const isFirst = this._subscriptions.length === 0;
    this._subscriptions = [...this._subscriptions, subscription];
    if (!isFirst && this.#isBehind(options.since)) {
      // Those who had it already skip what comes again.
      this._restart(options.since);
    }
    queueMicrotask(() => {
      if (!subscription._ended && this.#moved.to !== 'idle') {
        this._greet(subscription);
      }
    });
    return subscription;
  }

  protected _make(since: SubscribeOptions['since']): AnySubscription {
    return new SubscriptionCore(this, since);
  }

  /** Whether somebody wants more than will come. */
  #isBehind(since: SubscribeOptions['since']): boolean {
    if (since === undefined) return false;
    const from = this.#position ?? this.#since;
    if (since === 'start' || !from) return from !== 'start';
    if (from === 'start') return false;
    // Before the server answered nobody knows which epoch is the present one:
    // then the first stays, and the other is told a gap if it was wrong.
    return since.epoch === from.epoch
      ? since.offset < from.offset : this.#position !== null;
  }

  /** Tell a subscription that came later what the others were told before. */
  protected _greet(subscription: AnySubscription): void {
    subscription._move(this.#moved, this.#position);
  }

  _remove(subscription: AnySubscription): void {
    if (subscription._ended) return;
    this._catchUp();
    this._subscriptions = this._subscriptions.filter((s) => s !== subscription);
    if (this._subscriptions.length === 0) {
      this._client._feedEnded(this._id, this);
      this.#stop();
    }
    subscription._end(reasonOf(Code.UNSUBSCRIBED));
  }

  /** All of them, without telling the server: the client is freed. */
  _end(reason: Reason): void {
    this._engine = null;
    this._id = 0;
    for (const subscription of this._subscriptions) subscription._end(reason);
    this._subscriptions = [];
  }

  // ---- position ------------------------------------------------------------

  /** Between batches: take over what the core passed without telling. */
  _catchUp(): void {
    const engine = this._engine;
    if (!this._id || !engine?._isIdle) return;
    engine._command(Call.POSITION, [this._id]);
    const position = engine._returned._position(0);
    if (position.epoch !== this.#position?.epoch) return;
    this.#position = position;
    for (const subscription of this._subscriptions) {
      subscription._catchUp(position);
    }
  }

  // ---- events --------------------------------------------------------------

  /** Whether a batch has events for this feed, and not for one before it. */
  _isOf(turn: number): boolean {
    return this.#born !== turn;
  }

  _onPublication(reader: EventReader): void {
    const position = reader._position(PublicationEvent.POSITION);
    const publication = new Publication(reader, position, this._channel);
    if (!publication._isMatched) this.#position = position;
    for (const subscription of this._subscriptions) {
      subscription._publication(publication);
    }
  }

  _onGap(reader: EventReader): void {
    this.#position = reader._position(GapEvent.POSITION);
    const gap = {
      reason: GAP_REASONS[reader._word(GapEvent.REASON)] ?? 'none',
      from: reader._number(GapEvent.FROM),
      to: reader._number(GapEvent.TO) || null,
      position: this.#position,
    };
    for (const subscription of this._subscriptions) {
      if (gap.reason === 'anew') subscription._reset(gap);
      else subscription._gap(gap);
    }
  }

  _onState(reader: EventReader): void {
    const to = SUB_STATES[reader._word(SubEvent.TO)]!;
    if (reader._id(SubEvent.POSITION)) {
      this.#position = reader._position(SubEvent.POSITION);
    }
    if (to === 'ended') this._client._feedEnded(this._id, this);
    this.#move(to, reader._reason(SubEvent.REASON),
      RECOVERIES[reader._word(SubEvent.RECOVERY)]);
  }

  #move(
    to: SubscriptionState, reason: Reason, recovery = this.#moved.recovery,
  ): void {
    this.#moved = { from: this.#moved.to, to, reason, recovery };
    const subscriptions = this._subscriptions;
    if (to === 'ended') this._subscriptions = [];
    for (const subscription of subscriptions) {
      subscription._move(this.#moved, this.#position);
    }
  }
}

/** What is wrong with a channel's name, if anything is; the core would say that
 * something is too big, or not valid. 255: GW_MAX_CHANNEL_BYTES. */
export function reasonOfName(channel: string): Reason | false {
  // A unit has three bytes at most, so most names need not be encoded for it.
  const { length } = channel.length > 85 ? toUtf8(channel) : channel;
  return (!length || length > 255) && reasonOf(
    length ? Code.TOO_BIG : Code.BAD_CHANNEL, 'a channel has 1 to 255 bytes');
}

/** gw_position; all 0 for none. */
export function positionWords(
  { epoch, offset }: Position = { epoch: '0'.repeat(16), offset: 0 },
): number[] {
  // Anything else would be another epoch to the server, and tell a gap that is
  // none.
  if (!/^[0-9a-f]{16}$/i.test(epoch) || !Number.isSafeInteger(offset) || offset < 0) {
    throw new GodwitError(Code.BAD_REQUEST, 'no position');
  }
  return [...fromHex(epoch), ...toWords(offset)];
}

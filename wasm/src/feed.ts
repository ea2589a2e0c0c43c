// SPDX-License-Identifier: MIT
// feed.ts - what the core keeps for a channel, shared by the subscriptions of it.

import {
  fromHex, toHex, toNumber, toUtf8, toWords, wordBytes,
} from './bytes.js';
import type { ClientCore } from './client-core.js';
import { Code } from './codes.js';
import type { Engine } from './engine.js';
import { checked, codeOfResult, reasonOf } from './error.js';
import type { EventReader } from './event-reader.js';
import {
  GapEvent, PresenceEvent, PublicationEvent, SubEvent, SyncEvent,
} from './layout.js';
import { Call } from './module.js';
import type { SubscribeOptions } from './options.js';
import {
  BYTES, decodeMember, JSON_TEXT, type EncodedPayload,
} from './payload.js';
import { Publication } from './publication.js';
import {
  GAP_REASONS, PRESENCE_KINDS, RECOVERIES, SUB_STATES,
} from './states.js';
import { Subscription } from './subscription.js';
import { tokensOf, type Tokens } from './tokens.js';
import type {
  Member, MembersEvent, Position, Reason, SubscriptionState,
  SubscriptionStateEvent,
} from './types.js';

const OVERFLOWS = ['close', 'drop'];

/** What this client tells about itself. */
interface Self {
  readonly _state: string;
  readonly _data: EncodedPayload;
}

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
  readonly _client: ClientCore;
  readonly _members = new Map<string, Member>();
  readonly _tokens: Tokens | null;
  /** Replaced, never changed: see Emitter. */
  #subscriptions: readonly Subscription[] = [];
  #since: SubscribeOptions['since'];
  #presence: boolean;
  readonly #overflow: number;
  readonly #token: string;
  #engine: Engine | null = null;
  #id = 0;
  #born = 0;
  #state: SubscriptionState = 'idle';
  #reason: Reason = reasonOf(Code.OK);
  #recovery = 0;
  #epochLow = 0;
  #epochHigh = 0;
  #epoch = '';
  #offset = 0;
  #self: Self | null = null;
  #version = 0;
  #isSynced = false;
  /** After starting anew: members that were not told again yet. */
  #stale: Set<string> | null = null;

  constructor(client: ClientCore, channel: string, options: SubscribeOptions) {
    this._client = client;
    this._channel = channel;
    this.#since = options.since;
    this.#presence = options.presence ?? false;
    this.#token = options.token ?? '';
    this._tokens = tokensOf(options);
    this.#overflow = OVERFLOWS.indexOf(options.overflow ?? 'close');
    if (this.#overflow < 0) {
      throw new TypeError(`overflow: not close or drop: ${options.overflow}`);
    }
  }

  // ---- the core's subscription ---------------------------------------------

  /** Begin in a core, a first time or after the one before broke. */
  _start(engine: Engine): void {
    this.#engine = engine;
    const since = this.#position() ?? this.#since;
    const from =
      typeof since === 'object' ? positionWords(since) : [0, 0, 0, 0];
    const channel = toUtf8(this._channel);
    const token = toUtf8(this.#token);
    const flags =
      Number(this.#presence) | Number(this._tokens !== null) << 8;
    // gw_sub_options.
    const options = wordBytes([
      Number(since !== undefined), 0, ...from, flags, this.#overflow, 0, 0,
    ]);
    const id = engine._command(Call.SUBSCRIBE,
      [channel.length, token.length], options, channel, token);
    if (id < 0) {
      this.#refused(id);
      return;
    }
    this.#id = id;
    this.#born = engine._turn;
    this._client._feeds.set(id, this);
    try {
      if (this.#self !== null) this._enter(this.#self._state, this.#self._data);
    } catch (error) {
      this._client._failed(error);
    }
  }

  #refused(result: number): void {
    const code = result === -100 ? Code.BAD_CHANNEL : codeOfResult(result);
    this._client._feedEnded(this.#id, this);
    queueMicrotask(() => this.#move('ended', reasonOf(code)));
  }

  /** Forget the core's subscription, and what it may have put in this batch. */
  #stop(): void {
    if (this.#id === 0) return;
    this._client._feeds.delete(this.#id);
    this.#engine!._command(Call.UNSUBSCRIBE, [this.#id]);
    this.#id = 0;
  }

  /** The core is gone. */
  _abandon(reason: Reason): void {
    this.#engine = null;
    this.#id = 0;
    if (this.#state !== 'idle') this.#move('idle', reason);
  }

  /** Begin anew from where everybody is, or from further back. */
  #restart(since: SubscribeOptions['since'] | null): void {
    const engine = this.#engine;
    this.#stale = new Set(this._members.keys());
    if (since !== null) {
      this.#since = since;
      this.#epoch = '';
      this.#epochLow = this.#epochHigh = 0;
    }
    if (engine === null) return;
    this.#stop();
    this._start(engine);
  }

  // ---- subscriptions -------------------------------------------------------

  _add(options: SubscribeOptions): Subscription {
    this._catchUp();
    const subscription = new Subscription(this, options.since);
    const isFirst = this.#subscriptions.length === 0;
    this.#subscriptions = [...this.#subscriptions, subscription];
    const wantsPresence = !this.#presence && options.presence === true;
    this.#presence ||= wantsPresence;
    if (!isFirst && this.#isBehind(options.since)) {
      // Those who had it already skip what comes again.
      this.#restart(options.since);
    } else if (!isFirst && wantsPresence) {
      this.#restart(null);
    }
    queueMicrotask(() => this.#greet(subscription));
    return subscription;
  }

  /** Whether somebody wants more than will come. */
  #isBehind(since: SubscribeOptions['since']): boolean {
    if (since === undefined) return false;
    const from = this.#position() ?? this.#since;
    if (since === 'start' || from === undefined) return from !== 'start';
    if (from === 'start') return false;
    // Before the server answered nobody knows which epoch is the present one:
    // then the first stays, and the other is told a gap if it was wrong.
    return since.epoch === from.epoch
      ? since.offset < from.offset : this.#epoch !== '';
  }

  /** Tell a subscription that came later what the others were told before. */
  #greet(subscription: Subscription): void {
    if (subscription._ended || this.#state === 'idle') return;
    subscription._move(this.#stateEvent(subscription.state), this.#position());
    if (this.#isSynced) subscription._tell('members', this.#members());
  }

  _remove(subscription: Subscription): void {
    if (subscription._ended) return;
    this._catchUp();
    this.#subscriptions = this.#subscriptions.filter((s) => s !== subscription);
    if (this.#subscriptions.length === 0) {
      this._client._feedEnded(this.#id, this);
      this.#stop();
    }
    subscription._end(reasonOf(Code.UNSUBSCRIBED));
  }

  /** All of them, without telling the server: the client is freed. */
  _end(reason: Reason): void {
    this.#engine = null;
    this.#id = 0;
    for (const subscription of this.#subscriptions) subscription._end(reason);
    this.#subscriptions = [];
  }

  // ---- position ------------------------------------------------------------

  #position(): Position | null {
    return this.#epoch === ''
      ? null : { epoch: this.#epoch, offset: this.#offset };
  }

  #moveTo(reader: EventReader, word: number): void {
    const low = reader._word(word);
    const high = reader._word(word + 1);
    // Texts are made once in the life of a stream, not for each message.
    if (low !== this.#epochLow || high !== this.#epochHigh) {
      this.#epochLow = low;
      this.#epochHigh = high;
      this.#epoch = toHex(low, high);
    }
    this.#offset = reader._number(word + 2);
  }

  /** Between batches: take over what the core passed without telling. */
  _catchUp(): void {
    const engine = this.#engine;
    if (this.#id === 0 || engine === null || !engine._isIdle) return;
    if (this.#epoch === '') return;
    engine._command(Call.POSITION, [this.#id]);
    if (toHex(engine._returned(0), engine._returned(1)) !== this.#epoch) return;
    this.#offset = toNumber(engine._returned(2), engine._returned(3));
    const position = this.#position()!;
    for (const subscription of this.#subscriptions) {
      subscription._catchUp(position);
    }
  }

  // ---- presence of this client ---------------------------------------------

  _enter(state: string, data: EncodedPayload): void {
    this.#self = { _state: state, _data: data };
    if (this.#id === 0) return;
    const bytes = toUtf8(state);
    checked(this.#engine!._command(Call.PRESENCE_SET,
      [this.#id, bytes.length, data._type, data._bytes.length],
      bytes, data._bytes));
  }

  _leave(): void {
    this.#self = null;
    if (this.#id === 0) return;
    checked(this.#engine!._command(Call.PRESENCE_LEAVE, [this.#id]));
  }

  // ---- events --------------------------------------------------------------

  /** Whether a batch has events for this feed, and not for one before it. */
  _isOf(turn: number): boolean {
    return this.#born !== turn;
  }

  _onPublication(reader: EventReader): void {
    this.#moveTo(reader, PublicationEvent.POSITION);
    const epoch = this.#epoch;
    const publication = new Publication(reader, epoch);
    for (const subscription of this.#subscriptions) {
      subscription._publication(publication, epoch);
    }
  }

  _onGap(reader: EventReader): void {
    this.#moveTo(reader, GapEvent.POSITION);
    const gap = {
      reason: GAP_REASONS[reader._word(GapEvent.REASON)] ?? 'none',
      from: reader._number(GapEvent.FROM),
      to: reader._number(GapEvent.TO) || null,
      position: reader._position(GapEvent.POSITION),
    };
    for (const subscription of this.#subscriptions) subscription._gap(gap);
  }

  _onState(reader: EventReader): void {
    const to = SUB_STATES[reader._word(SubEvent.TO)]!;
    this.#recovery = reader._word(SubEvent.RECOVERY);
    if (reader._hexOrNull(SubEvent.POSITION) !== null) {
      this.#moveTo(reader, SubEvent.POSITION);
    }
    if (to === 'ended') this._client._feedEnded(this.#id, this);
    this.#move(to, reasonOf(
      reader._word(SubEvent.CODE), reader._text(SubEvent.REASON)));
  }

  #stateEvent(from: SubscriptionState): SubscriptionStateEvent {
    return {
      from, to: this.#state, reason: this.#reason,
      recovery: RECOVERIES[this.#recovery] ?? 'continuous',
    };
  }

  #move(to: SubscriptionState, reason: Reason): void {
    const event = this.#stateEvent(this.#state);
    this.#state = to;
    this.#reason = reason;
    const subscriptions = this.#subscriptions;
    if (to === 'ended') this.#subscriptions = [];
    for (const subscription of subscriptions) {
      subscription._move({ ...event, to, reason }, this.#position());
    }
  }

  _onPresence(reader: EventReader): void {
    let kind = PRESENCE_KINDS[reader._word(PresenceEvent.KIND)]!;
    const own = reader._is(PresenceEvent.OWN);
    const told = memberOf(reader);
    const known = this._members.get(told.clientId);
    // A leave tells client and user only.
    const member = kind === 'leave' && known !== undefined ? known : told;
    if (kind === 'leave') this._members.delete(told.clientId);
    else this._members.set(told.clientId, told);
    const wasStale = this.#stale?.delete(told.clientId) ?? false;
    if (wasStale && kind === 'enter') kind = 'update';
    this.#tellPresence(kind, member, own);
  }

  #tellPresence(
    kind: 'enter' | 'update' | 'leave', member: Member, own: boolean,
  ): void {
    for (const subscription of this.#subscriptions) {
      subscription._tell('presence', { kind, member, own });
    }
  }

  #members(): MembersEvent {
    return { members: this._members, version: this.#version };
  }

  _onPresenceSync(reader: EventReader): void {
    this.#version = reader._number(SyncEvent.VERSION);
    this.#isSynced = true;
    const stale = this.#stale ?? [];
    this.#stale = null;
    for (const clientId of stale) {
      const member = this._members.get(clientId);
      this._members.delete(clientId);
      if (member !== undefined) this.#tellPresence('leave', member, false);
    }
    for (const subscription of this.#subscriptions) {
      subscription._tell('members', this.#members());
    }
  }
}

/** A record of PRESENCE or MEMBER. */
export function memberOf(reader: EventReader): Member {
  const isJson = reader._word(PresenceEvent.JSON + 1) !== 0;
  return {
    clientId: reader._hex(PresenceEvent.CLIENT),
    user: reader._text(PresenceEvent.USER),
    state: reader._text(PresenceEvent.STATE),
    data: decodeMember(isJson ? JSON_TEXT : BYTES,
      reader._bytes(isJson ? PresenceEvent.JSON : PresenceEvent.DATA)),
    since: reader._number(PresenceEvent.SINCE_MS),
  };
}

/** gw_position. */
export function positionWords(position: Position): number[] {
  return [...fromHex(position.epoch), ...toWords(position.offset)];
}

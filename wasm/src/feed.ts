// SPDX-License-Identifier: MIT
// feed.ts - what the core keeps for a channel, shared by the subscriptions of it.

import { copyOf, fromHex, NO_BYTES, toUtf8, toWords } from './bytes.js';
import type { ClientCore } from './client-core.js';
import { Code } from './codes.js';
import type { Engine } from './engine.js';
import { checked, codeOfResult, reasonOf } from './error.js';
import type { EventReader } from './event-reader.js';
import {
  GapEvent, MetaEvent, PresenceEvent, PublicationEvent, SubEvent, SyncEvent,
} from './layout.js';
import { Call } from './module.js';
import type { SubscribeOptions } from './options.js';
import { BYTES, decodeMember, type EncodedPayload } from './payload.js';
import { Publication } from './publication.js';
import {
  GAP_REASONS, PRESENCE_KINDS, PRESENCE_MODES, RECOVERIES, SUB_STATES,
} from './states.js';
import { Subscription } from './subscription.js';
import { tokensOf, type Tokens } from './tokens.js';
import type {
  EncodedList, Member, MembersEvent, Position, Reason, Received, SubscriptionState,
  SubscriptionStateEvent,
} from './types.js';

export const NO_LIST: EncodedList = { size: 0, terms: NO_BYTES };
const OVERFLOWS = ['close', 'drop', 'conflate', 'sample'];

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
  _metadata: Received = null;
  _deltas = false;
  readonly _tokens: Tokens | null;
  /** Replaced, never changed: see Emitter. */
  #subscriptions: readonly Subscription[] = [];
  #since: SubscribeOptions['since'];
  #presence: boolean;
  readonly #delta: boolean;
  readonly #overflow: number;
  readonly #filter: EncodedList;
  /** JSON about the subscription. */
  readonly #about: string;
  readonly #token: string;
  #engine: Engine | null = null;
  #id = 0;
  #born = 0;
  /** The last move. */
  #moved: SubscriptionStateEvent = {
    from: 'idle', to: 'idle', reason: reasonOf(Code.OK), recovery: 'continuous',
  };
  #position: Position | null = null;
  #self: Self | null = null;
  /** The last one told; null before. */
  #membersEvent: MembersEvent | null = null;
  /** Of a list that takes the place of the one that is there. */
  #listed: Member[] = [];
  /** After starting anew: members that were not told again yet. */
  #stale: Set<string> | null = null;

  constructor(client: ClientCore, channel: string, options: SubscribeOptions) {
    this._client = client;
    this._channel = channel;
    this.#since = options.since;
    this.#presence = options.presence ?? false;
    this.#delta = options.delta ?? false;
    this.#filter = options.filter ?? NO_LIST;
    this.#about = JSON.stringify(options.metadata) ?? '';
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
    this.#engine = engine;
    const since = this.#position ?? this.#since;
    // gw_sub_options.
    // The token's length is told here, and its text follows the channel's.
    const options = [
      Number(since !== undefined), 0,
      ...positionWords(typeof since === 'object' ? since : undefined),
      Number(this.#presence) | Number(this._tokens !== null) << 8 |
        Number(this.#delta) << 16,
      this.#overflow, 0, toUtf8(this.#token).length, 0, this.#filter.size,
      0, 0, 0, 0, toUtf8(this.#about).length, 0,
    ];
    const id = engine._command(
      Call.SUBSCRIBE, [], options, this._channel + this.#token + this.#about,
      { _type: BYTES, _bytes: this.#filter.terms });
    if (id < 0) {
      this.#refused(id);
      return;
    }
    this.#id = id;
    this.#born = engine._turn;
    this._client._feeds.set(id, this);
    try {
      if (this.#self) this._enter(this.#self._state, this.#self._data);
    } catch (error) {
      this._client._failed(error);
    }
  }

  /** Take over what the core has begun by itself. */
  _adopt(engine: Engine, id: number): void {
    this.#engine = engine;
    this.#id = id;
    this.#born = 0;
    this._client._feeds.set(id, this);
  }

  #refused(result: number): void {
    const code = result === -100 ? Code.BAD_CHANNEL : codeOfResult(result);
    this._client._feedEnded(this.#id, this);
    queueMicrotask(() => this.#move('ended', reasonOf(code)));
  }

  /** Forget the core's subscription, and what it may have put in this batch. */
  #stop(): void {
    if (!this.#id) return;
    this._client._feeds.delete(this.#id);
    this.#engine!._command(Call.UNSUBSCRIBE, [this.#id]);
    this.#id = 0;
  }

  /** The core is gone. */
  _abandon(reason: Reason): void {
    this.#engine = null;
    this.#id = 0;
    if (this.#moved.to !== 'idle') this.#move('idle', reason);
  }

  /** Begin anew from where everybody is, or from further back. */
  #restart(since: SubscribeOptions['since'] | null): void {
    const engine = this.#engine;
    this.#stale = new Set(this._members.keys());
    if (since !== null) {
      this.#since = since;
      this.#position = null;
    }
    if (!engine) return;
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
    const from = this.#position ?? this.#since;
    if (since === 'start' || !from) return from !== 'start';
    if (from === 'start') return false;
    // Before the server answered nobody knows which epoch is the present one:
    // then the first stays, and the other is told a gap if it was wrong.
    return since.epoch === from.epoch
      ? since.offset < from.offset : this.#position !== null;
  }

  /** Tell a subscription that came later what the others were told before. */
  #greet(subscription: Subscription): void {
    if (subscription._ended || this.#moved.to === 'idle') return;
    subscription._move(this.#moved, this.#position);
    if (this._metadata !== null) {
      subscription._tell('metadata', this._metadata);
    }
    const event = this.#membersEvent;
    if (event) subscription._tell('members', event);
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

  /** Between batches: take over what the core passed without telling. */
  _catchUp(): void {
    const engine = this.#engine;
    if (!this.#id || !engine?._isIdle) return;
    engine._command(Call.POSITION, [this.#id]);
    const position = engine._returned._position(0);
    if (position.epoch !== this.#position?.epoch) return;
    this.#position = position;
    for (const subscription of this.#subscriptions) {
      subscription._catchUp(position);
    }
  }

  // ---- presence of this client ---------------------------------------------

  _enter(state: string, data: EncodedPayload): void {
    this.#self = { _state: state, _data: data };
    if (!this.#id) return;
    checked(this.#engine!._command(
      Call.PRESENCE_SET, [this.#id], [], state, data));
  }

  _leave(): void {
    this.#self = null;
    if (!this.#id) return;
    checked(this.#engine!._command(Call.PRESENCE_LEAVE, [this.#id]));
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
    for (const subscription of this.#subscriptions) {
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
    for (const subscription of this.#subscriptions) {
      if (gap.reason === 'anew') subscription._reset(gap);
      else subscription._gap(gap);
    }
  }

  _onMeta(reader: EventReader): void {
    this._metadata = decodeMember(reader._text(MetaEvent.META));
    for (const subscription of this.#subscriptions) {
      subscription._tell('metadata', this._metadata);
    }
  }

  _onState(reader: EventReader): void {
    const to = SUB_STATES[reader._word(SubEvent.TO)]!;
    if (reader._id(SubEvent.POSITION)) {
      this.#position = reader._position(SubEvent.POSITION);
    }
    this._deltas = (reader._word(SubEvent.BY_SERVER) & 256) !== 0;
    if (to === 'ended') this._client._feedEnded(this.#id, this);
    this.#move(to, reader._reason(SubEvent.REASON),
      RECOVERIES[reader._word(SubEvent.RECOVERY)]);
  }

  #move(
    to: SubscriptionState, reason: Reason, recovery = this.#moved.recovery,
  ): void {
    this.#moved = { from: this.#moved.to, to, reason, recovery };
    const subscriptions = this.#subscriptions;
    if (to === 'ended') this.#subscriptions = [];
    for (const subscription of subscriptions) {
      subscription._move(this.#moved, this.#position);
    }
  }

  _onPresence(reader: EventReader): void {
    let kind = PRESENCE_KINDS[reader._word(PresenceEvent.KIND)];
    const flags = reader._word(PresenceEvent.OWN);
    const told = memberOf(reader);
    if (kind === undefined) {
      this.#listed.push(told);
      return;
    }
    const known = this._members.get(told.clientId);
    // A leave tells client and user only.
    const member = kind === 'leave' && known ? known : told;
    if (kind === 'leave') this._members.delete(told.clientId);
    else this._members.set(told.clientId, told);
    const wasStale = this.#stale?.delete(told.clientId) ?? false;
    if (wasStale && kind === 'enter') kind = 'update';
    this.#tellPresence(kind, member, flags);
  }

  #tellPresence(
    kind: 'enter' | 'update' | 'leave', member: Member, flags = 0,
  ): void {
    const event = {
      kind, member, own: (flags & 1) !== 0, first: (flags & 0x100) !== 0,
      last: (flags & 0x1_0000) !== 0,
    };
    for (const subscription of this.#subscriptions) {
      subscription._tell('presence', event);
    }
  }

  _onPresenceSync(reader: EventReader): void {
    const event: MembersEvent = this.#membersEvent = {
      members: this._members,
      version: reader._number(SyncEvent.VERSION),
      mode: PRESENCE_MODES[reader._word(SyncEvent.MODE)]!,
      clients: reader._word(SyncEvent.CLIENTS),
      users: reader._word(SyncEvent.USERS),
    };
    const stale = this.#stale ?? [];
    this.#stale = null;
    if (reader._is(SyncEvent.ANEW)) this.#listAnew();
    else for (const clientId of stale) this.#forget(clientId);
    for (const subscription of this.#subscriptions) {
      subscription._tell('members', event);
    }
  }

  #listAnew(): void {
    this._members.clear();
    for (const member of this.#listed.splice(0)) {
      this._members.set(member.clientId, member);
    }
  }

  /** Gone while the list was not followed. */
  #forget(clientId: string): void {
    const member = this._members.get(clientId);
    this._members.delete(clientId);
    if (member !== undefined) this.#tellPresence('leave', member);
  }
}

/** A record of PRESENCE or MEMBER. */
export function memberOf(reader: EventReader): Member {
  const isJson = reader._word(PresenceEvent.JSON + 1) !== 0;
  return {
    clientId: reader._id(PresenceEvent.CLIENT)!,
    user: copyOf(reader._text(PresenceEvent.USER)),
    state: copyOf(reader._text(PresenceEvent.STATE)),
    data: decodeMember(isJson
      ? reader._text(PresenceEvent.JSON) : reader._bytes(PresenceEvent.DATA)),
    since: reader._number(PresenceEvent.SINCE_MS),
  };
}

/** gw_position; all 0 for none. */
export function positionWords(
  { epoch, offset }: Position = { epoch: '0', offset: 0 },
): number[] {
  return [...fromHex(epoch), ...toWords(offset)];
}

// SPDX-License-Identifier: MIT
// feed.ts - what the core keeps for a channel, shared by the subscriptions of it.

import { fromHex, toHex, toNumber, toUtf8, toWords, wordBytes } from './bytes.js';
import type { ClientCore } from './client-core.js';
import { Code } from './codes.js';
import type { Engine } from './engine.js';
import { checked, codeOfResult, reasonOf } from './error.js';
import type { EventReader } from './event-reader.js';
import {
  GapEvent, PresenceEvent, PublicationEvent, SubEvent, SyncEvent,
} from './layout.js';
import type { SubscribeOptions } from './options.js';
import { BYTES, decodeMember, JSON_TEXT, type EncodedPayload } from './payload.js';
import { Publication } from './publication.js';
import {
  GAP_REASONS, PRESENCE_KINDS, RECOVERIES, SUB_STATES,
} from './states.js';
import { Subscription } from './subscription.js';
import type {
  Member, Position, Reason, SubscriptionState, SubscriptionStateEvent,
} from './types.js';

const OVERFLOWS = ['close', 'drop'];

/** What this client tells about itself. */
interface Self {
  readonly state: string;
  readonly data: EncodedPayload;
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
  readonly channel: string;
  readonly client: ClientCore;
  readonly members = new Map<string, Member>();
  /** Replaced, never changed: see Emitter. */
  #subscriptions: readonly Subscription[] = [];
  #since: SubscribeOptions['since'];
  #presence: boolean;
  readonly #overflow: number;
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
    this.client = client;
    this.channel = channel;
    this.#since = options.since;
    this.#presence = options.presence ?? false;
    this.#overflow = OVERFLOWS.indexOf(options.overflow ?? 'close');
    if (this.#overflow < 0) {
      throw new TypeError(`overflow: ${options.overflow} is neither close nor drop`);
    }
  }

  // ---- the core's subscription ---------------------------------------------

  /** Begin in a core, a first time or after the one before broke. */
  start(engine: Engine): void {
    this.#engine = engine;
    const since = this.#position() ?? this.#since;
    const from = typeof since === 'object' ? positionWords(since) : [0, 0, 0, 0];
    const channel = toUtf8(this.channel);
    // gw_sub_options.
    const options = wordBytes([
      Number(since !== undefined), 0, ...from, Number(this.#presence),
      this.#overflow, 0, 0,
    ]);
    const id = engine.command('subscribe', [channel.length], options, channel);
    if (id < 0) {
      this.#refused(id);
      return;
    }
    this.#id = id;
    this.#born = engine.turn;
    this.client._feeds.set(id, this);
    try {
      if (this.#self !== null) this.enter(this.#self.state, this.#self.data);
    } catch (error) {
      this.client._failed(error);
    }
  }

  #refused(result: number): void {
    const code = result === -100 ? Code.BAD_CHANNEL : codeOfResult(result);
    this.client._feedEnded(this.#id, this);
    queueMicrotask(() => this.#move('ended', reasonOf(code)));
  }

  /** Forget the core's subscription, and what it may have put in this batch. */
  #stop(): void {
    if (this.#id === 0) return;
    this.client._feeds.delete(this.#id);
    this.#engine!.command('unsubscribe', [this.#id]);
    this.#id = 0;
  }

  /** The core is gone. */
  abandon(reason: Reason): void {
    this.#engine = null;
    this.#id = 0;
    if (this.#state !== 'idle') this.#move('idle', reason);
  }

  /** Begin anew from where everybody is, or from further back. */
  #restart(since: SubscribeOptions['since'] | null): void {
    const engine = this.#engine;
    this.#stale = new Set(this.members.keys());
    if (since !== null) {
      this.#since = since;
      this.#epoch = '';
      this.#epochLow = this.#epochHigh = 0;
    }
    if (engine === null) return;
    this.#stop();
    this.start(engine);
  }

  // ---- subscriptions -------------------------------------------------------

  add(options: SubscribeOptions): Subscription {
    this.catchUp();
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
    if (this.#isSynced) subscription._members(this.#version);
  }

  remove(subscription: Subscription): void {
    if (subscription._ended || !this.#subscriptions.includes(subscription)) return;
    this.catchUp();
    this.#subscriptions = this.#subscriptions.filter((s) => s !== subscription);
    if (this.#subscriptions.length === 0) {
      this.client._feedEnded(this.#id, this);
      this.#stop();
    }
    subscription._end(reasonOf(Code.UNSUBSCRIBED));
  }

  /** All of them, without telling the server: the client is freed. */
  end(reason: Reason): void {
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
    const low = reader.word(word);
    const high = reader.word(word + 1);
    // Texts are made once in the life of a stream, not for each message.
    if (low !== this.#epochLow || high !== this.#epochHigh) {
      this.#epochLow = low;
      this.#epochHigh = high;
      this.#epoch = toHex(low, high);
    }
    this.#offset = reader.number(word + 2);
  }

  /** Between batches: take over what the core passed without telling. */
  catchUp(): void {
    const engine = this.#engine;
    if (this.#id === 0 || engine === null || !engine.isIdle) return;
    if (this.#epoch === '') return;
    engine.command('position', [this.#id]);
    if (toHex(engine.returned(0), engine.returned(1)) !== this.#epoch) return;
    this.#offset = toNumber(engine.returned(2), engine.returned(3));
    const position = this.#position()!;
    for (const subscription of this.#subscriptions) {
      subscription._catchUp(position);
    }
  }

  // ---- presence of this client ---------------------------------------------

  enter(state: string, data: EncodedPayload): void {
    this.#self = { state, data };
    if (this.#id === 0) return;
    const bytes = toUtf8(state);
    checked(this.#engine!.command('presence_set',
      [this.#id, bytes.length, data.type, data.bytes.length], bytes, data.bytes));
  }

  leave(): void {
    this.#self = null;
    if (this.#id === 0) return;
    checked(this.#engine!.command('presence_leave', [this.#id]));
  }

  // ---- events --------------------------------------------------------------

  /** Whether a batch has events for this feed, and not for one before it. */
  isOf(turn: number): boolean {
    return this.#born !== turn;
  }

  onPublication(reader: EventReader): void {
    this.#moveTo(reader, PublicationEvent.POSITION);
    const epoch = this.#epoch;
    const publication = new Publication(reader, epoch);
    for (const subscription of this.#subscriptions) {
      subscription._publication(publication, epoch);
    }
  }

  onGap(reader: EventReader): void {
    this.#moveTo(reader, GapEvent.POSITION);
    const gap = {
      reason: GAP_REASONS[reader.word(GapEvent.REASON)] ?? 'none',
      from: reader.number(GapEvent.FROM),
      to: reader.number(GapEvent.TO) || null,
      position: reader.position(GapEvent.POSITION),
    };
    for (const subscription of this.#subscriptions) subscription._gap(gap);
  }

  onState(reader: EventReader): void {
    const to = SUB_STATES[reader.word(SubEvent.TO)]!;
    this.#recovery = reader.word(SubEvent.RECOVERY);
    if (reader.hexOrNull(SubEvent.POSITION) !== null) {
      this.#moveTo(reader, SubEvent.POSITION);
    }
    if (to === 'ended') this.client._feedEnded(this.#id, this);
    this.#move(to, reasonOf(
      reader.word(SubEvent.CODE), reader.text(SubEvent.REASON)));
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

  onPresence(reader: EventReader): void {
    let kind = PRESENCE_KINDS[reader.word(PresenceEvent.KIND)]!;
    const own = reader.is(PresenceEvent.OWN);
    const told = memberOf(reader);
    const known = this.members.get(told.clientId);
    // A leave tells client and user only.
    const member = kind === 'leave' && known !== undefined ? known : told;
    if (kind === 'leave') this.members.delete(told.clientId);
    else this.members.set(told.clientId, told);
    const wasStale = this.#stale?.delete(told.clientId) ?? false;
    if (wasStale && kind === 'enter') kind = 'update';
    this.#tellPresence(kind, member, own);
  }

  #tellPresence(
    kind: 'enter' | 'update' | 'leave', member: Member, own: boolean,
  ): void {
    for (const subscription of this.#subscriptions) {
      subscription._presence({ kind, member, own });
    }
  }

  onPresenceSync(reader: EventReader): void {
    this.#version = reader.number(SyncEvent.VERSION);
    this.#isSynced = true;
    const stale = this.#stale ?? [];
    this.#stale = null;
    for (const clientId of stale) {
      const member = this.members.get(clientId);
      this.members.delete(clientId);
      if (member !== undefined) this.#tellPresence('leave', member, false);
    }
    for (const subscription of this.#subscriptions) {
      subscription._members(this.#version);
    }
  }
}

/** A record of PRESENCE or MEMBER. */
export function memberOf(reader: EventReader): Member {
  const isJson = reader.word(PresenceEvent.JSON + 1) !== 0;
  return {
    clientId: reader.hex(PresenceEvent.CLIENT),
    user: reader.text(PresenceEvent.USER),
    state: reader.text(PresenceEvent.STATE),
    data: decodeMember(isJson ? JSON_TEXT : BYTES,
      reader.bytes(isJson ? PresenceEvent.JSON : PresenceEvent.DATA)),
    since: reader.number(PresenceEvent.SINCE_MS),
  };
}

/** gw_position. */
export function positionWords(position: Position): number[] {
  return [...fromHex(position.epoch), ...toWords(position.offset)];
}

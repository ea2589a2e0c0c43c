// SPDX-License-Identifier: MIT
// feed.ts - what the core keeps for a channel, shared by the subscriptions of it.

import { fromHex, toHex, toNumber, toUtf8, toWords } from './bytes.js';
import type { ClientCore } from './client-core.js';
import type { Engine } from './engine.js';
import { codeOfResult, reasonOf } from './error.js';
import type { EventReader } from './event-reader.js';
import type { SubscribeOptions } from './options.js';
import { decodeMember, type EncodedPayload } from './payload.js';
import { Publication } from './publication.js';
import {
  GAP_REASONS, PRESENCE_KINDS, RECOVERIES, SUB_STATES,
} from './states.js';
import { Subscription } from './subscription.js';
import type {
  Member, Position, Reason, SubscriptionState, SubscriptionStateEvent,
} from './types.js';
import { Code } from './codes.js';

const RECOVER = 1;
const PRESENCE = 2;
const OVERFLOW_SHIFT = 8;
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
    let flags = this.#overflow << OVERFLOW_SHIFT;
    if (since !== undefined) flags |= RECOVER;
    if (this.#presence) flags |= PRESENCE;
    const [epoch, offset] = typeof since === 'object'
      ? [fromHex(since.epoch), toWords(since.offset)] : [[0, 0], [0, 0]];
    const channel = toUtf8(this.channel);
    engine.put(channel);
    const id = engine.command(
      'subscribe', channel.length, flags, ...epoch, ...offset);
    if (id < 0) {
      this.#refused(id);
      return;
    }
    this.#id = id;
    this.#born = engine.turn;
    this.client._feedStarted(id, this);
    if (this.#self !== null) this.enter(this.#self.state, this.#self.data);
  }

  #refused(result: number): void {
    const code = result === -100 ? Code.BAD_CHANNEL : codeOfResult(result);
    this.client._feedEnded(this.#id, this);
    this.client._soon(() => this.#move('ended', reasonOf(code)));
  }

  /** Forget the core's subscription, and what it may have put in this batch. */
  #stop(): void {
    const engine = this.#engine;
    if (this.#id === 0 || engine === null) return;
    this.client._feedStopped(this.#id);
    if (engine.isAlive) engine.command('unsubscribe', this.#id);
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
    this.client._soon(() => this.#greet(subscription));
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

  #setPosition(epochLow: number, epochHigh: number, offset: number): void {
    this.#offset = offset;
    if (epochLow === this.#epochLow && epochHigh === this.#epochHigh) return;
    this.#epochLow = epochLow;
    this.#epochHigh = epochHigh;
    this.#epoch = toHex(epochLow, epochHigh);
  }

  /** Between batches: take over what the core passed without telling. */
  catchUp(): void {
    const engine = this.#engine;
    if (this.#id === 0 || engine === null || !engine.isIdle) return;
    if (this.#epoch === '') return;
    engine.command('position', this.#id);
    const [low, high] = [engine.result(0), engine.result(1)];
    if (low !== this.#epochLow || high !== this.#epochHigh) return;
    this.#offset = toNumber(engine.result(2), engine.result(3));
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
    this.#engine!.put(bytes, data.bytes);
    this.client._check(this.#engine!.command(
      'presence_set', this.#id, bytes.length, data.type, data.bytes.length));
  }

  leave(): void {
    this.#self = null;
    if (this.#id === 0) return;
    this.client._check(this.#engine!.command('presence_leave', this.#id));
  }

  // ---- events --------------------------------------------------------------

  /** Whether a batch has events for this feed, and not for one before it. */
  isOf(turn: number): boolean {
    return this.#born !== turn;
  }

  onPublication(reader: EventReader): void {
    this.#setPosition(reader.word(3), reader.word(4), reader.number(5));
    const publication = new Publication(reader, this.#epoch);
    const epoch = this.#epoch;
    for (const subscription of this.#subscriptions) {
      subscription._publication(publication, epoch);
    }
  }

  onGap(reader: EventReader): void {
    const to = reader.number(5);
    const gap = {
      reason: GAP_REASONS[reader.word(2)] ?? 'none',
      from: reader.number(3),
      to: to === 0 ? null : to,
      position: reader.position(7),
    };
    this.#setPosition(reader.word(7), reader.word(8), reader.number(9));
    for (const subscription of this.#subscriptions) subscription._gap(gap);
  }

  onState(reader: EventReader): void {
    const bits = reader.word(2);
    const to = SUB_STATES[bits >>> 8 & 0xff]!;
    const reason = reasonOf(reader.word(3), reader.text(4));
    this.#recovery = bits >>> 16;
    if (reader.id(6) !== null) {
      this.#setPosition(reader.word(6), reader.word(7), reader.number(8));
    }
    if (to === 'ended') this.client._feedEnded(this.#id, this);
    this.#move(to, reason);
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
    const bits = reader.word(2);
    let kind = PRESENCE_KINDS[bits & 0xff]!;
    const own = (bits >>> 8 & 0xff) !== 0;
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
    this.#version = reader.number(2);
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
  return {
    clientId: reader.hex(3),
    user: reader.text(7),
    state: reader.text(9),
    data: decodeMember(reader.word(2) >>> 16, reader.bytes(11)),
    since: reader.number(5),
  };
}

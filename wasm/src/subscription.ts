// SPDX-License-Identifier: MIT
// subscription.ts - a channel as one part of an application sees it.

import { Emitter } from './emitter.js';
import type { Feed } from './feed.js';
import type { PublishOptions, SubscribeOptions } from './options.js';
import { encodeOptional } from './payload.js';
import type { Publication } from './publication.js';
import type {
  Gap, Member, MembersEvent, Payload, Position, PresenceEvent, Publishing, Reason,
  Received, Reset, SubscriptionState, SubscriptionStateEvent,
} from './types.js';

/** Events of a subscription. */
export interface SubscriptionEvents {
  /** A publication; in the order of the stream, each once. */
  publication: Publication;
  /** Publications that will not come. */
  gap: Gap;
  /** A map channel is told from its beginning: what it held before, and is not
   * told again, is gone. */
  reset: Reset;
  /** What is known about the channel: when there is something, and at each
   * change; null for nothing. */
  metadata: Received;
  /** The subscription's state has changed. */
  state: SubscriptionStateEvent;
  /** Somebody entered, changed or left. */
  presence: PresenceEvent;
  /** The list of members is whole, for the first time or again. */
  members: MembersEvent;
}

/**
 * Subscriptions of one channel share what the core keeps for it (a feed), but
 * each has a position of its own: that of the last publication or gap that it was
 * handed.
 */
export class Subscription extends Emitter<SubscriptionEvents> {
  /** Name of the channel. */
  readonly channel: string;
  readonly #feed: Feed;
  #state: SubscriptionState = 'idle';
  #position: Position | null = null;
  /** It asked for what comes from now on, and is not live for the first time. */
  #fromNow: boolean;

  /** @internal */
  constructor(feed: Feed, since: SubscribeOptions['since']) {
    super();
    this.channel = feed._channel;
    this.#feed = feed;
    this.#fromNow = since === undefined;
    if (typeof since === 'object') this.#position = { ...since };
  }

  /** State of this subscription. */
  get state(): SubscriptionState {
    return this.#state;
  }

  /** Where this subscription stands; null before it is live for the first time.
   * Kept and given as `since`, it goes on from there. */
  get position(): Position | null {
    if (!this._ended) this.#feed._catchUp();
    return this.#position && { ...this.#position };
  }

  /** Who is there, by client id; empty without `presence: true`. */
  get members(): ReadonlyMap<string, Member> {
    return this.#feed._members;
  }

  /** What is known about the channel; null for nothing. */
  get metadata(): Received {
    return this.#feed._metadata;
  }

  /** Whether the server may send publications as changes to the one before; see
   * `delta` in `SubscribeOptions`. */
  get deltas(): boolean {
    return this.#feed._deltas;
  }

  /** Publishes into this channel; see `Client.publish`. */
  publish(data: Payload, options?: PublishOptions): Publishing {
    return this.#feed._client.publish(this.channel, data, options);
  }

  /** Enters the channel's presence, `online` by default, and stays in it over
   * reconnects until `leave()` or the end of the channel's last subscription. */
  enter(state = '', data?: Payload): void {
    if (this._ended) return;
    this.#feed._enter(state, encodeOptional(data));
  }

  /** Changes what `enter()` told. */
  update(state: string, data?: Payload): void {
    this.enter(state, data);
  }

  /** Leaves the channel's presence. */
  leave(): void {
    if (!this._ended) this.#feed._leave();
  }

  /** Ends it at once: no event comes after, except the one that says so. */
  unsubscribe(): void {
    this.#feed._remove(this);
  }

  // ---- for the feed ----------------------------------------------------------

  #isOfEpoch({ epoch }: Position): boolean {
    return epoch === this.#position?.epoch;
  }

  /** Whether a place in the stream is not for this subscription: before it, or
   * handed over already. */
  #isPast(place: Position): boolean {
    return this._ended || this.#fromNow ||
      (this.#isOfEpoch(place) && place.offset <= this.#position!.offset);
  }

  /** @internal */
  get _ended(): boolean {
    return this.#state === 'ended';
  }

  /** @internal The position moves first: the handler sees that of what it has in
   * hand, and may end the subscription and begin another one from there. */
  _publication(publication: Publication): void {
    if (publication._isMatched) {
      this._tell('publication', publication);
      return;
    }
    if (this.#isPast(publication._position)) return;
    this.#position = publication._position;
    this._emit('publication', publication);
  }

  /** @internal What comes next was had before, perhaps, and is no repeat. */
  _reset({ position }: Reset): void {
    if (this._ended || this.#fromNow) return;
    this.#position = position;
    this._emit('reset', { position });
  }

  /** @internal */
  _gap(gap: Gap): void {
    if (this.#isPast(gap.position)) return;
    this.#position = gap.position;
    this._emit('gap', gap);
  }

  /** @internal The stream went on without anything to hand over. */
  _catchUp(position: Position): void {
    if (this.#isOfEpoch(position) && !this.#isPast(position)) {
      this.#position = position;
    }
  }

  /** @internal position: null when there is none yet. */
  _move(event: SubscriptionStateEvent, position: Position | null): void {
    const from = this.#state;
    if (from === event.to || this._ended) return;
    this.#state = event.to;
    if (event.to === 'live') this.#fromNow = false;
    if (position) this.#arrive(position);
    if (this.#state === event.to) this._emit('state', { ...event, from });
  }

  #arrive(position: Position): void {
    if (this.#isPast(position)) return;
    const last = this.#position;
    this.#position = position;
    if (!last || last.epoch === position.epoch) return;
    // The core began elsewhere, for another subscription of the channel.
    this._emit('gap', {
      reason: 'epoch-changed', from: last.offset + 1, to: null, position,
    });
  }

  /** @internal As _emit, until the end. */
  _tell<K extends keyof SubscriptionEvents>(
    event: K, value: SubscriptionEvents[K],
  ): void {
    if (!this._ended) this._emit(event, value);
  }

  /** @internal At once, and told when the code that runs has returned. */
  _end(reason: Reason): void {
    const from = this.#state;
    this.#state = 'ended';
    queueMicrotask(() => this._emit(
      'state', { from, to: 'ended', reason, recovery: 'continuous' }));
  }

  /** @internal */
  _failed(error: unknown): void {
    this.#feed._client._failed(error);
  }
}

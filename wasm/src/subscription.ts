// SPDX-License-Identifier: MIT
// subscription.ts - a channel as one part of an application sees it.

import { Emitter } from './emitter.js';
import type { Feed } from './feed.js';
import type { PublishOptions, SubscribeOptions } from './options.js';
import { encodePayload, NOTHING } from './payload.js';
import type { Publication } from './publication.js';
import type {
  Gap, Member, MembersEvent, Payload, Position, PresenceEvent, Publishing, Reason,
  SubscriptionState, SubscriptionStateEvent,
} from './types.js';

/** Events of a subscription. */
export interface SubscriptionEvents {
  /** A publication; in the order of the stream, each once. */
  publication: Publication;
  /** Publications that will not come. */
  gap: Gap;
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
  readonly channel: string;
  readonly #feed: Feed;
  #state: SubscriptionState = 'idle';
  #epoch = '';
  #offset = 0;
  /** It asked for what comes from now on, and is not live for the first time. */
  #fromNow: boolean;

  /** @internal */
  constructor(feed: Feed, since: SubscribeOptions['since']) {
    super();
    this.channel = feed._channel;
    this.#feed = feed;
    this.#fromNow = since === undefined;
    if (typeof since === 'object') this.#setPosition(since);
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** Where this subscription stands; null before it is live for the first time.
   * Kept and given as `since`, it goes on from there. */
  get position(): Position | null {
    if (!this._ended) this.#feed._catchUp();
    return this.#epoch === ''
      ? null : { epoch: this.#epoch, offset: this.#offset };
  }

  /** Who is there, by client id; empty without `presence: true`. */
  get members(): ReadonlyMap<string, Member> {
    return this.#feed._members;
  }

  /** Publishes into this channel; see `Client.publish`. */
  publish(data: Payload, options?: PublishOptions): Publishing {
    return this.#feed._client.publish(this.channel, data, options);
  }

  /** Enters the channel's presence, `online` by default, and stays in it over
   * reconnects until `leave()` or the end of the channel's last subscription. */
  enter(state = '', data?: Payload): void {
    if (this._ended) return;
    this.#feed._enter(
      state, data === undefined ? NOTHING : encodePayload(data));
  }

  /** Changes what `enter()` told. */
  update(state: string, data?: Payload): void {
    this.enter(state, data);
  }

  leave(): void {
    if (!this._ended) this.#feed._leave();
  }

  /** Ends it at once: no event comes after, except the one that says so. */
  unsubscribe(): void {
    this.#feed._remove(this);
  }

  // ---- for the feed ----------------------------------------------------------

  #setPosition(position: Position): void {
    this.#epoch = position.epoch;
    this.#offset = position.offset;
  }

  /** Whether a place in the stream is not for this subscription: before it, or
   * handed over already. */
  #isPast(epoch: string, offset: number): boolean {
    return this._ended || this.#fromNow ||
      (epoch === this.#epoch && offset <= this.#offset);
  }

  /** @internal */
  get _ended(): boolean {
    return this.#state === 'ended';
  }

  /** @internal The position moves first: the handler sees that of what it has in
   * hand, and may end the subscription and begin another one from there. */
  _publication(publication: Publication, epoch: string): void {
    if (this.#isPast(epoch, publication.offset)) return;
    this.#epoch = epoch;
    this.#offset = publication.offset;
    this._emit('publication', publication);
  }

  /** @internal */
  _gap(gap: Gap): void {
    if (this.#isPast(gap.position.epoch, gap.position.offset)) return;
    this.#setPosition(gap.position);
    this._emit('gap', gap);
  }

  /** @internal The stream went on without anything to hand over. */
  _catchUp(position: Position): void {
    const { epoch, offset } = position;
    if (epoch === this.#epoch && !this.#isPast(epoch, offset)) {
      this.#offset = offset;
    }
  }

  /** @internal position: null when there is none yet. */
  _move(event: SubscriptionStateEvent, position: Position | null): void {
    const from = this.#state;
    if (from === event.to || this._ended) return;
    this.#state = event.to;
    if (event.to === 'live') this.#fromNow = false;
    if (position !== null) this.#arrive(position);
    if (this.#state === event.to) this._emit('state', { ...event, from });
  }

  #arrive(position: Position): void {
    if (this.#isPast(position.epoch, position.offset)) return;
    const epoch = this.#epoch;
    const from = this.#offset + 1;
    this.#setPosition(position);
    if (epoch === '' || epoch === position.epoch) return;
    // The core began elsewhere, for another subscription of the channel.
    this._emit('gap', { reason: 'epoch-changed', from, to: null, position });
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

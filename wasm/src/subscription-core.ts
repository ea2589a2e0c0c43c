// SPDX-License-Identifier: MIT
// subscription-core.ts - a channel as one part of an application sees it: what is
// in every build.

import { Emitter } from './emitter.js';
import type { Feed } from './feed.js';
import type {
  LitePublishOptions, LiteSubscriptionEvents,
} from './lite-types.js';
import type { SubscribeOptions } from './options.js';
import type { Publication } from './publication.js';
import type { SubscriptionEvents } from './subscription.js';
import type {
  Gap, Payload, Position, Publishing, Reason, Reset, SubscriptionState,
  SubscriptionStateEvent,
} from './types.js';

/**
 * Subscriptions of one channel share what the core keeps for it (a feed), but
 * each has a position of its own: that of the last publication or gap that it was
 * handed.
 */
export class SubscriptionCore<
  Events = LiteSubscriptionEvents,
> extends Emitter<Events, SubscriptionEvents> {
  /** Name of the channel. */
  readonly channel: string;
  /** @internal */
  readonly _feed: Feed;
  #state: SubscriptionState = 'idle';
  #position: Position | null = null;
  /** It asked for what comes from now on, and is not live for the first time. */
  #fromNow: boolean;

  /** @internal */
  constructor(feed: Feed, since: SubscribeOptions['since']) {
    super();
    this.channel = feed._channel;
    this._feed = feed;
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
    if (!this._ended) this._feed._catchUp();
    return this.#position && { ...this.#position };
  }

  /** Publishes into this channel; see `Client.publish`. */
  publish(data: Payload, options?: LitePublishOptions): Publishing {
    return this._feed._client.publish(this.channel, data, options);
  }

  /** Ends it at once: no event comes after, except the one that says so. */
  unsubscribe(): void {
    this._feed._remove(this);
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
    this._feed._client._failed(error);
  }
}

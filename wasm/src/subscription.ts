// SPDX-License-Identifier: MIT
// subscription.ts - a channel with all that it can have: presence, metadata.

import type { FullFeed } from './full-feed.js';
import type { PublishOptions } from './options.js';
import { encodeOptional } from './payload.js';
import type { Publication } from './publication.js';
import { SubscriptionCore } from './subscription-core.js';
import type {
  Gap, Member, MembersEvent, Payload, PresenceEvent, Publishing, Received, Reset,
  SubscriptionStateEvent,
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

/** A channel as one part of an application sees it. Each subscription has a
 * position of its own, also where several share what the server sends. */
export class Subscription extends SubscriptionCore<SubscriptionEvents> {
  /** @internal */
  declare readonly _feed: FullFeed;

  /** Who is there, by client id; empty without `presence: true`. */
  get members(): ReadonlyMap<string, Member> {
    return this._feed._members;
  }

  /** What is known about the channel; null for nothing. */
  get metadata(): Received {
    return this._feed._metadata;
  }

  /** Whether the server may send publications as changes to the one before; see
   * `delta` in `SubscribeOptions`. */
  get deltas(): boolean {
    return this._feed._deltas;
  }

  /** Enters the channel's presence, `online` by default, and stays in it over
   * reconnects until `leave()` or the end of the channel's last subscription. */
  enter(state = '', data?: Payload): void {
    if (this._ended) return;
    this._feed._enter(state, encodeOptional(data));
  }

  /** Changes what `enter()` told. */
  update(state: string, data?: Payload): void {
    this.enter(state, data);
  }

  /** Leaves the channel's presence. */
  leave(): void {
    if (!this._ended) this._feed._leave();
  }
}

/** With all options. */
export interface Subscription {
  /** Publishes into this channel; see `Client.publish`. */
  publish(data: Payload, options?: PublishOptions): Publishing;
}

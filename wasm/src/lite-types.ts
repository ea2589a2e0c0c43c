// SPDX-License-Identifier: MIT
// lite-types.ts - what is left of the types where presence, filters, metadata, deltas
// and messages are left out.

import type { PublishOptions, SubscribeOptions } from './options.js';
import type { Publication } from './publication.js';
import type { SubscriptionCore } from './subscription-core.js';
import type { SubscriptionEvents } from './subscription.js';
import type { ClientEvents } from './types.js';

/** Options of a subscription. */
export type LiteSubscribeOptions =
  Omit<SubscribeOptions, 'presence' | 'filter' | 'metadata' | 'delta'>;

/** Options of a publish. */
export type LitePublishOptions = Omit<PublishOptions, 'tags' | 'metadata'>;

/** One publication, as a handler gets it. */
export type LitePublication = Omit<Publication, 'tagBytes'>;

/** Events of a subscription. */
export interface LiteSubscriptionEvents extends Omit<
  SubscriptionEvents, 'publication' | 'metadata' | 'presence' | 'members'
> {
  /** A publication; in the order of the stream, each once. */
  publication: LitePublication;
}

/** Events of a client. */
export interface LiteClientEvents extends Omit<
  ClientEvents, 'message' | 'subscription'
> {
  /** The server has subscribed this client to a channel by itself. */
  subscription: SubscriptionCore;
}

// SPDX-License-Identifier: MIT
// exports.ts - what both entry points offer besides the client.

export { GodwitError } from './error.js';
export { Publication } from './publication.js';
export { Subscription, type SubscriptionEvents } from './subscription.js';
export type { Handler } from './emitter.js';
export type * from './options.js';
export type * from './types.js';

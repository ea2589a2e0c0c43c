// SPDX-License-Identifier: MIT
// states.ts - names for numbers of the core, in the order of its enums.

import type {
  Address, GapReason, PresenceEvent, PresenceMode, Recovery, State, SubscriptionState,
} from './types.js';

/** enum gw_state. */
export const STATES: readonly State[] = [
  'idle', 'connecting', 'authenticating', 'syncing', 'ready', 'degraded',
  'waiting', 'suspended', 'closed', 'failed',
];

/** enum gw_sub_state. */
export const SUB_STATES: readonly SubscriptionState[] =
  ['idle', 'subscribing', 'recovering', 'live', 'ended'];

/** GapReason of the schema. */
export const GAP_REASONS: readonly GapReason[] = [
  'none', 'epoch-changed', 'trimmed', 'expired', 'over-limit',
  'permission-lost', 'slow-reader', 'filtered', 'superseded', 'anew',
  'live-only',
];

/** RecoveryResult of the schema. */
export const RECOVERIES: readonly Recovery[] =
  ['continuous', 'recovered', 'gap', 'anew'];

/** PresenceKind of the schema. */
export const PRESENCE_KINDS: readonly PresenceEvent['kind'][] =
  ['enter', 'update', 'leave'];

/** PresenceMode of the schema. */
export const PRESENCE_MODES: readonly PresenceMode[] =
  ['full', 'ids', 'counts', 'sampled'];

/** Address of the schema. */
export const ADDRESSES: readonly Address[] =
  ['user', 'client', 'connection', 'group', 'channels', 'everybody'];

// SPDX-License-Identifier: MIT
// types.ts - what the SDK hands to an application, and takes from it.

import type { CodeName } from './codes.js';
import type { Subscription } from './subscription.js';

export type { CodeName };

/** States of the connection; docs/javascript.md draws how they follow. */
export type State =
  | 'idle' | 'connecting' | 'authenticating' | 'syncing' | 'ready'
  | 'degraded' | 'waiting' | 'suspended' | 'closed' | 'failed';

/** States of a subscription. */
export type SubscriptionState =
  'idle' | 'subscribing' | 'recovering' | 'live' | 'ended';

/** What to do about a reason. */
export type ReasonClass =
  'ok' | 'retry' | 'retry-after' | 'reauth' | 'resync' | 'terminal';

/** Why something happened: a code of the table in the schema. */
export interface Reason {
  readonly code: number;
  /** Name of the code. */
  readonly name: CodeName | 'UNKNOWN';
  readonly class: ReasonClass;
  /** The peer's words, or the table's sentence. */
  readonly message: string;
}

/** A place in the stream of a channel. */
export interface Position {
  /** The stream's life, a 64-bit number in hexadecimal. */
  readonly epoch: string;
  /** Counts publications. */
  readonly offset: number;
}

/**
 * What may be published, told by a member or passed to a call: an ArrayBuffer or
 * a view of one travels as bytes, anything else as JSON.
 */
export type Payload = string | number | boolean | null | object;

// As JSON.parse: what comes from the peer has the type that the application
// says it has. Bytes come as Uint8Array.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Received = any;

/** Somebody in a channel's presence. */
export interface Member {
  readonly clientId: string;
  readonly user: string;
  /** Such as `online`, `away`, `busy`. */
  readonly state: string;
  /** What the member tells about itself; null for nothing. */
  readonly data: Received;
  /** When it entered, server's clock, milliseconds since 1970. */
  readonly since: number;
}

/** Outcome of a publish. */
export interface Published {
  readonly position: Position;
  /** It had arrived before, by an earlier attempt. */
  readonly duplicate: boolean;
}

/** The promise of a publish, with the key that its publication carries. */
export type Publishing = Promise<Published> & {
  /** The same as `publication.key`; null while the core is being loaded. */
  readonly key: string | null;
};

/** What the server enforces on this connection; 0 means no limit. */
export interface Limits {
  readonly maxFrameBytes: number;
  readonly maxMessageBytes: number;
  readonly maxChannelBytes: number;
  readonly maxSubscriptions: number;
  readonly maxPresenceBytes: number;
  readonly maxCalls: number;
  readonly maxQueueBytes: number;
  readonly publishPerSecond: number;
  readonly maxGroupMembers: number;
  readonly maxGroupRoles: number;
}

/** Facts about a client, as of the moment that they are asked for. */
export interface Info {
  readonly state: State;
  /** When the state was entered, milliseconds since 1970. */
  readonly since: number;
  readonly reason: Reason;
  /** Attempts since the connection was last stable. */
  readonly attempt: number;
  /** When the next attempt is due, milliseconds since 1970. */
  readonly retryAt: number | null;
  /** Last round trip. */
  readonly rttMs: number | null;
  readonly connectionId: string | null;
  /** Public id of this client, the same on each of its connections. */
  readonly clientId: string | null;
  /** User id that the server holds the client to be. */
  readonly user: string;
  readonly endpoint: string;
  readonly transport: 'websocket' | null;
  readonly limits: Limits;
  /** Publications that are not acknowledged yet. */
  readonly outbox: { readonly count: number; readonly bytes: number };
  /** Publications that came twice and were dropped. */
  readonly duplicates: number;
}

export type GapReason =
  | 'none' | 'epoch-changed' | 'trimmed' | 'expired' | 'over-limit'
  | 'permission-lost' | 'slow-reader' | 'filtered' | 'superseded' | 'anew'
  | 'live-only';

/** Publications that will not come. */
export interface Gap {
  readonly reason: GapReason;
  /** First and last missing offset, in the epoch before; `to` is null when the
   * end is not known. */
  readonly from: number;
  readonly to: number | null;
  /** Where the stream goes on after. */
  readonly position: Position;
}

/** `anew`: a map was told from its beginning; see the event `reset`. */
export type Recovery = 'continuous' | 'recovered' | 'gap' | 'anew';

/** A filter, or tags: made by the functions of `godwit/filter`. */
export interface EncodedList {
  readonly size: number;
  /** In the form of the protocol. */
  readonly terms: Uint8Array<ArrayBuffer>;
}

/** What a map channel holds is told anew: what it held before counts no more. */
export interface Reset {
  /** What is told begins after. */
  readonly position: Position;
}

/** Events of a client. */
export interface ClientEvents {
  state: {
    readonly from: State;
    readonly to: State;
    readonly reason: Reason;
    readonly attempt: number;
    readonly retryAt: number | null;
  };
  /** A round trip was measured. */
  rtt: { readonly ms: number };
  /** A message to this client, by no channel. */
  message: Message;
  /** The server has subscribed this client to a channel by itself. */
  subscription: Subscription;
  /** A handler threw, or the core could not be loaded. */
  error: Error;
}

export interface SubscriptionStateEvent {
  readonly from: SubscriptionState;
  readonly to: SubscriptionState;
  readonly reason: Reason;
  /** What became of missed publications; for `live`. */
  readonly recovery: Recovery;
}

export interface PresenceEvent {
  readonly kind: 'enter' | 'update' | 'leave';
  readonly member: Member;
  /** It is this client itself. */
  readonly own: boolean;
  /** It entered as the first client of its user, or left as the last one. Not
   * said of those that came with the list. */
  readonly first: boolean;
  readonly last: boolean;
}

/** What the server tells: all of each member, its ids only, numbers only, or
 * numbers and some members drawn at random. */
export type PresenceMode = 'full' | 'ids' | 'counts' | 'sampled';

export interface MembersEvent {
  /** All; none in the mode `counts`; those that were drawn in `sampled`. */
  readonly members: ReadonlyMap<string, Member>;
  readonly version: number;
  readonly mode: PresenceMode;
  /** How many are there, whatever the mode. */
  readonly clients: number;
  readonly users: number;
}

/** Whom a message was sent to. */
export type Address =
  'user' | 'client' | 'connection' | 'group' | 'channels' | 'everybody';

/** A message that somebody sent to this client. */
export interface Message {
  readonly data: Received;
  /** What kind it is, in the sender's words; may be empty. */
  readonly event: string;
  /** Public id of the sender; null for the server. */
  readonly clientId: string | null;
  readonly user: string;
  readonly to: Address;
  /** The group, where it was sent to one. */
  readonly group: string;
  /** Server's clock, milliseconds since 1970. */
  readonly time: number;
  /** This client sent it. */
  readonly own: boolean;
}

/** Who calls a method. */
export interface CallContext {
  /** Public id of the calling client; null for the server. */
  readonly from: string | null;
  readonly user: string;
}

/** Answers calls of a method. */
export type CallHandler = (
  data: Received, context: CallContext) => unknown | Promise<unknown>;

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
  /** Number of the code; 0 for no error. */
  readonly code: number;
  /** Name of the code. */
  readonly name: CodeName | 'UNKNOWN';
  /** What to do about it. */
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

/** As of JSON.parse: what comes from the peer has the type that the application
 * says it has. Bytes come as Uint8Array. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Received = any;

/** Somebody in a channel's presence. */
export interface Member {
  /** Public id of the client. */
  readonly clientId: string;
  /** User id; empty for none. */
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
  /** The position that it got. */
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
  /** Bytes of a frame. */
  readonly maxFrameBytes: number;
  /** Bytes of a message of the transport, with all its frames. */
  readonly maxMessageBytes: number;
  /** Bytes of the name of a channel. */
  readonly maxChannelBytes: number;
  /** Channels that a connection may be subscribed to. */
  readonly maxSubscriptions: number;
  /** Bytes of the state and data of a member. */
  readonly maxPresenceBytes: number;
  /** Calls of this client that may wait for their answer. */
  readonly maxCalls: number;
  /** Bytes that may wait for a client that does not read. */
  readonly maxQueueBytes: number;
  /** Publications a second. */
  readonly publishPerSecond: number;
  /** Members of one group. */
  readonly maxGroupMembers: number;
  /** Roles of one group. */
  readonly maxGroupRoles: number;
}

/** Facts about a client, as of the moment that they are asked for. */
export interface Info {
  /** State of the connection. */
  readonly state: State;
  /** When the state was entered, milliseconds since 1970. */
  readonly since: number;
  /** Why it was entered. */
  readonly reason: Reason;
  /** Attempts since the connection was last stable. */
  readonly attempt: number;
  /** When the next attempt is due, milliseconds since 1970. */
  readonly retryAt: number | null;
  /** Last round trip. */
  readonly rttMs: number | null;
  /** Id of the connection; null without one. */
  readonly connectionId: string | null;
  /** Public id of this client, the same on each of its connections. */
  readonly clientId: string | null;
  /** User id that the server holds the client to be. */
  readonly user: string;
  /** URL that is connected, or tried next. */
  readonly endpoint: string;
  /** How it is connected; null when it is not. */
  readonly transport: 'websocket' | null;
  /** Whether the last connection went on from the one before, so that the server
   * asked the application nothing again; never with `godwit/lite`. */
  readonly resumed: boolean;
  /** Of the last connection; all 0 before the first. */
  readonly limits: Limits;
  /** Publications that are not acknowledged yet. */
  readonly outbox: { readonly count: number; readonly bytes: number };
  /** Publications that came twice and were dropped. */
  readonly duplicates: number;
}

/** Why publications will not come. */
export type GapReason =
  | 'none' | 'epoch-changed' | 'trimmed' | 'expired' | 'over-limit'
  | 'permission-lost' | 'slow-reader' | 'filtered' | 'superseded' | 'anew'
  | 'live-only';

/** Publications that will not come. */
export interface Gap {
  /** Why. */
  readonly reason: GapReason;
  /** First missing offset, in the epoch before. */
  readonly from: number;
  /** The last one; null when the end is not known. */
  readonly to: number | null;
  /** Where the stream goes on after. */
  readonly position: Position;
}

/** What became of publications that were missed: there were none, all came, or
 * some are told as a gap. `anew`: a map was told from its beginning; see the event
 * `reset`. */
export type Recovery = 'continuous' | 'recovered' | 'gap' | 'anew';

/** A filter, or tags: made by the functions of `godwit/filter`. */
export interface EncodedList {
  /** How many there are. */
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
  /** The connection's state has changed. */
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

/** A change of a subscription's state. */
export interface SubscriptionStateEvent {
  /** The state before. */
  readonly from: SubscriptionState;
  /** The state now. */
  readonly to: SubscriptionState;
  /** Why. */
  readonly reason: Reason;
  /** What became of missed publications; for `live`. */
  readonly recovery: Recovery;
}

/** A change of who is there. */
export interface PresenceEvent {
  /** It is there now, tells something else of itself, or is gone. */
  readonly kind: 'enter' | 'update' | 'leave';
  /** The member; as it was last when it leaves. */
  readonly member: Member;
  /** It is this client itself. */
  readonly own: boolean;
  /** It entered as the first client of its user. Not said of those that came with
   * the list. */
  readonly first: boolean;
  /** It left as the last client of its user. */
  readonly last: boolean;
}

/** What the server tells: all of each member, its ids only, numbers only, or
 * numbers and some members drawn at random. */
export type PresenceMode = 'full' | 'ids' | 'counts' | 'sampled';

/** Who is there, or how many, as the server told it. */
export interface MembersEvent {
  /** All; none in the mode `counts`; those that were drawn in `sampled`. */
  readonly members: ReadonlyMap<string, Member>;
  /** Counts changes. */
  readonly version: number;
  /** What the server tells of this channel. */
  readonly mode: PresenceMode;
  /** How many clients are there, whatever the mode. */
  readonly clients: number;
  /** How many users they are of. */
  readonly users: number;
}

/** Whom a message was sent to. */
export type Address =
  'user' | 'client' | 'connection' | 'group' | 'channels' | 'everybody';

/** A message that somebody sent to this client. */
export interface Message {
  /** What was sent: the value, or a Uint8Array. */
  readonly data: Received;
  /** What kind it is, in the sender's words; may be empty. */
  readonly event: string;
  /** Public id of the sender; null for the server. */
  readonly clientId: string | null;
  /** User id of the sender; empty for none. */
  readonly user: string;
  /** By which address this client got it. */
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
  /** User id of the caller; empty for none. */
  readonly user: string;
}

/** Answers calls of a method. */
export type CallHandler = (
  data: Received, context: CallContext) => unknown | Promise<unknown>;

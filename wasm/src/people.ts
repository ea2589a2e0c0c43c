// SPDX-License-Identifier: MIT
// people.ts - the module `godwit/people`: messages to people and questions about
// presence, by remote calls.

import type { Caller } from './groups.js';
import type { Member, Payload, PresenceMode, Received } from './types.js';

export type { Caller } from './groups.js';

// ---- forms of the API ---------------------------------------------------------

/** Ids are hexadecimal here, and decimal in the API's JSON. */
const toDecimal = (id: string) => BigInt(`0x${id}`).toString();
const fromDecimal = (id: string) => BigInt(id).toString(16).padStart(16, '0');

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function payloadOf(data: Payload | undefined): object {
  if (data === undefined) return {};
  if (data instanceof ArrayBuffer) return { data: toBase64(new Uint8Array(data)) };
  if (ArrayBuffer.isView(data)) {
    const { buffer, byteOffset, byteLength } = data;
    return { data: toBase64(new Uint8Array(buffer, byteOffset, byteLength)) };
  }
  return { json: data };
}

// ---- messages -------------------------------------------------------------------

/** Whom a message is for. */
export type To =
  | { readonly user: string }
  | { readonly client: string }
  | { readonly connection: string }
  | { readonly group: string }
  | { readonly channels: readonly string[] }
  | { readonly everybody: true };

/** Options of a message. */
export interface SendOptions {
  /** What kind of message it is, for the receivers' handlers. */
  readonly event?: string;
  /** Send it to this client, too, if it is one of them; true. */
  readonly echo?: boolean;
}

function addressOf(to: To): object {
  if ('client' in to) return { client: toDecimal(to.client) };
  if ('connection' in to) return { connection: toDecimal(to.connection) };
  return to;
}

/** Sends a message to those who are connected now, if the server's rule for such
 * an address lets this client. It comes at most once and is not kept. Returns to
 * how many connections it goes. */
export async function send(
  client: Caller, to: To, data?: Payload, options: SendOptions = {},
): Promise<number> {
  const reply = await client.call('godwit.send', {
    ...addressOf(to), ...payloadOf(data), event: options.event ?? '',
    no_echo: options.echo === false,
  });
  return reply.receivers ?? 0;
}

// ---- presence -------------------------------------------------------------------

/** How a field is compared with a value; the last two need none. */
export type Comparison =
  | 'equal' | 'not-equal' | 'less' | 'at-most' | 'greater' | 'at-least'
  | 'exists' | 'absent';

/** Of a field of what members tell of themselves: `level`, or `place.floor`. */
export interface Condition {
  /** Name of the field; dots lead into others. */
  readonly field: string;
  /** `equal` when absent. */
  readonly is?: Comparison;
  /** With what it is compared. */
  readonly value?: Received;
}

/** Which members are listed; all that is given has to hold. */
export interface PresenceQuery {
  /** Only those in this state. */
  readonly state?: string;
  /** Only clients of this user. */
  readonly user?: string;
  /** Only members of this group. */
  readonly group?: string;
  /** All of them hold. */
  readonly where?: readonly Condition[];
  /** 100 when absent. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** A page of who is in a channel. */
export interface PresencePage {
  /** Counts changes. */
  readonly version: number;
  /** In the order of their ids. */
  readonly members: readonly Member[];
  /** Ask for the next page with this; null for no more. */
  readonly next: string | null;
}

function memberOf(m: Received): Member {
  return {
    clientId: fromDecimal(m.client),
    user: m.user ?? '',
    state: m.state ?? '',
    data: m.data === undefined ? m.json ?? null : fromBase64(m.data),
    since: Number(m.sinceMs ?? 0),
  };
}

/** Who is in a channel, whatever its mode. */
export async function presence(
  client: Caller, channel: string, query: PresenceQuery = {},
): Promise<PresencePage> {
  const { where = [], after, ...rest } = query;
  const reply = await client.call('godwit.presence', {
    channel, ...rest, after: after === undefined ? '0' : toDecimal(after),
    where: where.map(({ field, is = 'equal', value }) => ({
      field, is: is.toUpperCase().replace('-', '_'),
      ...value === undefined ? {} : { value },
    })),
  });
  return {
    version: Number(reply.version ?? 0),
    members: (reply.members ?? []).map(memberOf),
    next: reply.next === undefined ? null : fromDecimal(reply.next),
  };
}

/** How many are in a channel. */
export interface PresenceStats {
  /** Counts changes. */
  readonly version: number;
  /** Clients. */
  readonly clients: number;
  /** Users that they are of; one without a name counts for itself. */
  readonly users: number;
  /** How many clients are in each state. */
  readonly states: ReadonlyMap<string, number>;
  /** What subscribers of the channel are told. */
  readonly mode: PresenceMode;
}

/** How many are in a channel, whatever its mode. */
export async function presenceStats(
  client: Caller, channel: string,
): Promise<PresenceStats> {
  const reply = await client.call('godwit.presence_stats', { channel });
  return {
    version: Number(reply.version ?? 0),
    clients: reply.clients ?? 0,
    users: reply.users ?? 0,
    states: new Map((reply.states ?? []).map(
      ({ state, clients }: Received) => [state, clients])),
    mode: reply.mode ?? 'full',
  };
}

/** A user in a channel. */
export interface Place {
  /** User id. */
  readonly user: string;
  /** Name of the channel. */
  readonly channel: string;
  /** Clients of the user there. */
  readonly clients: number;
}

/** Where a user is, or the members of a group are. */
export async function presenceOf(
  client: Caller, of: { readonly user: string } | { readonly group: string },
): Promise<Place[]> {
  return (await client.call('godwit.presence_of', of)).places ?? [];
}

/** What one tells of oneself with a change to some of its fields: those of the
 * patch take their place, or go where they are null (RFC 7396). */
export function mergePatch(target: Received, patch: Received): Received {
  const isObject = (v: unknown) =>
    typeof v === 'object' && v !== null && !Array.isArray(v);
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

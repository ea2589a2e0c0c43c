// SPDX-License-Identifier: MIT
// full-feed.ts - a channel with all that it can have: who is there, what is known
// about it, and a filter.

import { copyOf, NO_BYTES, toUtf8 } from './bytes.js';
import type { AnyClient } from './client-core.js';
import type { Engine } from './engine.js';
import { checked } from './error.js';
import type { EventReader } from './event-reader.js';
import { Feed, type AnySubscription } from './feed.js';
import {
  MetaEvent, PresenceEvent, SubEvent, SubOptions, SyncEvent,
} from './layout.js';
import { Call } from './module.js';
import type { SubscribeOptions } from './options.js';
import { decodeMember, PayloadType, type EncodedPayload } from './payload.js';
import { PRESENCE_KINDS, PRESENCE_MODES } from './states.js';
import { Subscription, type SubscriptionEvents } from './subscription.js';
import type {
  EncodedList, Member, MembersEvent, Received,
} from './types.js';

export const NO_LIST: EncodedList = { size: 0, terms: NO_BYTES };

/** What this client tells about itself. */
interface Self {
  readonly _state: string;
  readonly _data: EncodedPayload;
}

export class FullFeed extends Feed {
  readonly _members = new Map<string, Member>();
  _metadata: Received = null;
  /** Whether the server sends them. */
  _deltas = false;
  #presence: boolean | undefined;
  readonly #delta: boolean | undefined;
  readonly #filter: EncodedList;
  /** JSON about the subscription. */
  readonly #about: string;
  #self: Self | null = null;
  /** The last one told; null before. */
  #membersEvent: MembersEvent | null = null;
  /** Of a list that takes the place of the one that is there. */
  #listed: Member[] = [];
  /** After starting anew: members that were not told again yet. */
  #stale: Set<string> | null = null;

  constructor(client: AnyClient, channel: string, options: SubscribeOptions) {
    super(client, channel, options);
    this.#presence = options.presence;
    this.#delta = options.delta;
    this.#filter = options.filter ?? NO_LIST;
    this.#about = JSON.stringify(options.metadata) ?? '';
  }

  // ---- the core's subscription ---------------------------------------------

  override _start(engine: Engine): void {
    this.#stale = new Set(this._members.keys());
    super._start(engine);
    try {
      if (this.#self) this._enter(this.#self._state, this.#self._data);
    } catch (error) {
      this._client._failed(error);
    }
  }

  protected override _ask(
    engine: Engine, options: number[], texts: string,
  ): number {
    options[SubOptions.PRESENCE]! |=
      Number(this.#presence) | Number(this.#delta) << 16;
    options[SubOptions.NUM_TERMS] = this.#filter.size;
    options[SubOptions.META_LEN] = toUtf8(this.#about).length;
    return engine._command(Call.SUBSCRIBE, [], options, texts + this.#about,
      { _type: PayloadType.BYTES, _bytes: this.#filter.terms });
  }

  protected override _make(since: SubscribeOptions['since']): AnySubscription {
    return new Subscription(this, since);
  }

  override _add(options: SubscribeOptions): AnySubscription {
    if (options.presence && !this.#presence) {
      this.#presence = true;
      this._catchUp();
      if (this._subscriptions.length) this._restart(null);
    }
    return super._add(options);
  }

  protected override _greet(subscription: AnySubscription): void {
    super._greet(subscription);
    if (this._metadata !== null) {
      subscription._tell('metadata', this._metadata);
    }
    const event = this.#membersEvent;
    if (event) subscription._tell('members', event);
  }

  // ---- presence of this client ---------------------------------------------

  _enter(state: string, data: EncodedPayload): void {
    this.#command(Call.PRESENCE_SET, state, data);
    this.#self = { _state: state, _data: data };
  }

  _leave(): void {
    this.#self = null;
    this.#command(Call.PRESENCE_LEAVE);
  }

  #command(name: Call, text?: string, payload?: EncodedPayload): void {
    if (!this._id) return;
    checked(this._engine!._command(name, [this._id], [], text, payload));
  }

  // ---- events --------------------------------------------------------------

  override _onState(reader: EventReader): void {
    this._deltas = (reader._word(SubEvent.BY_SERVER) & 256) !== 0;
    super._onState(reader);
  }

  _onMeta(reader: EventReader): void {
    this._metadata = decodeMember(reader._text(MetaEvent.META));
    this.#tellAll('metadata', this._metadata);
  }

  #tellAll<K extends keyof SubscriptionEvents>(
    event: K, value: SubscriptionEvents[K],
  ): void {
    for (const subscription of this._subscriptions) {
      subscription._tell(event, value);
    }
  }

  _onPresence(reader: EventReader): void {
    let kind = PRESENCE_KINDS[reader._word(PresenceEvent.KIND)];
    const flags = reader._word(PresenceEvent.OWN);
    const told = memberOf(reader);
    if (kind === undefined) {
      this.#listed.push(told);
      return;
    }
    const known = this._members.get(told.clientId);
    // A leave tells client and user only.
    const member = kind === 'leave' && known ? known : told;
    if (kind === 'leave') this._members.delete(told.clientId);
    else this._members.set(told.clientId, told);
    if (this.#stale?.delete(told.clientId) && kind === 'enter') kind = 'update';
    this.#tellPresence(kind, member, flags);
  }

  #tellPresence(
    kind: 'enter' | 'update' | 'leave', member: Member, flags = 0,
  ): void {
    const event = {
      kind, member, own: (flags & 1) !== 0, first: (flags & 0x100) !== 0,
      last: (flags & 0x1_0000) !== 0,
    };
    this.#tellAll('presence', event);
  }

  _onPresenceSync(reader: EventReader): void {
    const event: MembersEvent = this.#membersEvent = {
      members: this._members,
      version: reader._number(SyncEvent.VERSION),
      mode: PRESENCE_MODES[reader._word(SyncEvent.MODE)]!,
      clients: reader._word(SyncEvent.CLIENTS),
      users: reader._word(SyncEvent.USERS),
    };
    const stale = this.#stale ?? [];
    this.#stale = null;
    if (reader._is(SyncEvent.ANEW)) {
      this._members.clear();
      for (const member of this.#listed.splice(0)) {
        this._members.set(member.clientId, member);
      }
    } else for (const clientId of stale) this.#forget(clientId);
    this.#tellAll('members', event);
  }

  /** Gone while the list was not followed. */
  #forget(clientId: string): void {
    const member = this._members.get(clientId);
    this._members.delete(clientId);
    if (member !== undefined) this.#tellPresence('leave', member);
  }
}

/** A record of PRESENCE or MEMBER. */
export function memberOf(reader: EventReader): Member {
  const isJson = reader._word(PresenceEvent.JSON + 1) !== 0;
  return {
    clientId: reader._id(PresenceEvent.CLIENT)!,
    user: copyOf(reader._text(PresenceEvent.USER)),
    state: copyOf(reader._text(PresenceEvent.STATE)),
    data: decodeMember(isJson
      ? reader._text(PresenceEvent.JSON) : reader._bytes(PresenceEvent.DATA)),
    since: reader._number(PresenceEvent.SINCE_MS),
  };
}

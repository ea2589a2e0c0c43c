// SPDX-License-Identifier: MIT
// full-client.ts - the client with all that there is: presence, filters, metadata
// and messages on top of what is in every build.

import { copyOf, joined, toUtf8 } from './bytes.js';
import { ClientCore } from './client-core.js';
import type { Engine } from './engine.js';
import type { EventReader } from './event-reader.js';
import type { Feed } from './feed.js';
import { FullFeed, memberOf, NO_LIST } from './full-feed.js';
import { Event, EventType, MessageEvent, PubOptions } from './layout.js';
import { Call } from './module.js';
import type { PublishOptions, SubscribeOptions } from './options.js';
import { decodePayload, type EncodedPayload } from './payload.js';
import { ADDRESSES } from './states.js';
import type { Subscription } from './subscription.js';
import type {
  ClientEvents, Member, Message, Payload, Publishing,
} from './types.js';

/** A connection that stays up, with all features. */
export abstract class FullClient extends ClientCore<ClientEvents> {
  /** Asks who is in a channel, subscribed or not. */
  members(channel: string): Promise<Member[]> {
    return this._request(undefined,
      (engine) => engine._command(Call.PRESENCE_GET, [], [], channel), []);
  }

  /** @internal */
  protected override _newFeed(
    channel: string, options: SubscribeOptions,
  ): Feed {
    return new FullFeed(this, channel, options);
  }

  /** @internal */
  protected override _tellPublish(
    engine: Engine, words: (number | undefined)[], texts: string,
    payload: EncodedPayload,
    { tags = NO_LIST, metadata }: PublishOptions,
  ): number {
    const about = JSON.stringify(metadata) ?? '';
    words[PubOptions.NUM_TAGS] = tags.size;
    words[PubOptions.META_LEN] = toUtf8(about).length;
    return engine._command(
      Call.PUBLISH, [tags.terms.length], words, texts + about,
      tags.size
        ? { ...payload, _bytes: joined(tags.terms, payload._bytes) } : payload);
  }

  /** @internal */
  protected override _moreEvents(reader: EventReader, feed?: FullFeed): void {
    switch (reader._word(Event.TYPE)) {
      case EventType.META: return feed?._onMeta(reader);
      case EventType.PRESENCE: return feed?._onPresence(reader);
      case EventType.PRESENCE_SYNC: return feed?._onPresenceSync(reader);
      case EventType.MEMBER: return void this._pending
        .get(reader._about)?._parts?.push(memberOf(reader));
      case EventType.MESSAGE:
        return this._emit('message', messageOf(reader));
    }
  }
}

/** With all options. */
export interface FullClient {
  /** Subscribes to a channel, until `unsubscribe()`. The same channel again
   * shares what is there and costs the server nothing. */
  subscribe(channel: string, options?: SubscribeOptions): Subscription;
  /** Publishes. The promise resolves when the server has it, with its position;
   * until then it is sent again after each lost connection, and arrives once. */
  publish(
    channel: string, data: Payload, options?: PublishOptions): Publishing;
}

function messageOf(reader: EventReader): Message {
  return {
    data: decodePayload(reader._payload(MessageEvent.PAYLOAD)),
    event: copyOf(reader._text(MessageEvent.EVENT)),
    clientId: reader._id(MessageEvent.CLIENT),
    user: copyOf(reader._text(MessageEvent.USER)),
    to: ADDRESSES[reader._word(MessageEvent.TO)]!,
    group: copyOf(reader._text(MessageEvent.GROUP)),
    time: reader._number(MessageEvent.TIME_MS),
    own: reader._is(MessageEvent.OWN),
  };
}

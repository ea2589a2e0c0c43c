// SPDX-License-Identifier: MIT
// events.ts - `godwit/events`: handlers by name, along channel, namespace,
// connection and all connections.
//
//   const events = new Events(client);
//   const room = events.channel(client.subscribe('chat:1'));
//   room.on('message.*', ({ name, data }) => show(name, data));
//   room.emit('message.sent', { text: 'hi' });
//   events.on('$connection.>', ({ name }) => status(name));

import { tags, tagsOf } from './filter.js';
import type { PublishOptions, SubscribeOptions } from './options.js';
import type { Publication } from './publication.js';
import { report } from './report.js';
import type { Subscription } from './subscription.js';
import type {
  ClientEvents, Message, Payload, Publishing, Received,
} from './types.js';

/** The tag that names an event. */
const TAG = 'event';

/** When a handler of events is called. */
export interface HandlerOptions {
  /** On the way down, from all connections to the channel, before those that wait
   * for it on its way up; false. */
  readonly capture?: boolean;
  /** Only the first time; false. */
  readonly once?: boolean;
}

/** How an event is published: as `Subscription.publish` does, but for its tags. */
export interface EmitOptions extends Omit<PublishOptions, 'tags'> {
  /** More tags, besides the name of the event. */
  readonly tags?: Readonly<Record<string, string | number | boolean>>;
}

/** Gets an event. If it throws, that is reported, and the others go on. */
export type EventHandler = (event: NamedEvent) => void;

/** An event on its way. Names that begin with a `$` are the client's own. */
export class NamedEvent {
  /** Its name: parts divided by dots. */
  readonly name: string;
  /** What came with it; decoded when it is read. */
  readonly #data: () => Received;
  /** Where it was published, or what is about; null for none. */
  readonly channel: string | null;
  /** What it was published as; null for messages and the client's own. */
  readonly publication: Publication | null;
  /** What it was sent as, to this client and by no channel; null for others. */
  readonly message: Message | null;
  /** @internal */
  _isStopped = false;
  /** @internal */
  _isStoppedHere = false;

  /** @internal */
  constructor(
    name: string, data: () => Received, channel: string | null,
    publication: Publication | null, message: Message | null = null,
  ) {
    this.name = name;
    this.#data = data;
    this.channel = channel;
    this.publication = publication;
    this.message = message;
  }

  /** What came with it: the payload of the publication, or what the client's own
   * event tells. */
  get data(): Received {
    return this.#data();
  }

  /** Those farther along its way do not get it. */
  stopPropagation(): void {
    this._isStopped = true;
  }

  /** Nor do those at the same place that were added later. */
  stopImmediatePropagation(): void {
    this._isStopped = this._isStoppedHere = true;
  }
}

interface Entry {
  readonly _pattern: readonly string[];
  readonly _handler: EventHandler;
  readonly _capture: boolean;
  readonly _once: boolean;
}

/** A place on the way of events. */
export class EventNode {
  // Replaced, never changed: an event goes to those who are there when it comes to
  // this place.
  #entries: readonly Entry[] = [];

  /** Calls the handler for events whose name matches the pattern; returns a
   * function that ends it. Parts of names are divided by dots; `*` is one part, `>`
   * at the end the rest. A pattern that begins with one of these does not match
   * the client's own events. */
  on(
    pattern: string, handler: EventHandler, options: HandlerOptions = {},
  ): () => void {
    const entry: Entry = {
      _pattern: partsOf(pattern), _handler: handler,
      _capture: options.capture ?? false, _once: options.once ?? false,
    };
    this.#entries = [...this.#entries, entry];
    return () => {
      this.#entries = this.#entries.filter((other) => other !== entry);
    };
  }

  /** @internal */
  _tell(event: NamedEvent, capture: boolean): void {
    const parts = event.name.split('.');
    event._isStoppedHere = false;
    for (const entry of this.#entries) {
      if (entry._capture !== capture || !matches(entry._pattern, parts)) continue;
      if (entry._once) {
        this.#entries = this.#entries.filter((other) => other !== entry);
      }
      try {
        entry._handler(event);
      } catch (error) {
        report(error);
      }
      if (event._isStoppedHere) return;
    }
  }
}

/** All connections of the program. */
export const everywhere: EventNode = new EventNode();

/** A channel as a place of events. */
export class ChannelEvents extends EventNode {
  /** The subscription whose events these are. */
  readonly subscription: Subscription;
  readonly #ends: (() => void)[];

  /** @internal */
  constructor(
    subscription: Subscription, send: (event: NamedEvent) => void,
    forget: () => void,
  ) {
    super();
    this.subscription = subscription;
    const own = (name: string, data: Received, channel: string) =>
      send(new NamedEvent(name, () => data, channel, null));
    const { channel } = subscription;
    this.#ends = [
      subscription.on('publication', (publication) => {
        const { [TAG]: name } = tagsOf(publication);
        if (!isPublic(name)) return;
        send(new NamedEvent(name, () => publication.data, publication.channel,
          publication));
      }),
      subscription.on('state', (change) => {
        own(`$subscription.${change.to}`, change, channel);
        if (change.to === 'ended') this.end();
      }),
      subscription.on('gap', (gap) => own('$subscription.gap', gap, channel)),
      subscription.on('presence', (change) =>
        own(`$presence.${change.kind}`, change, channel)),
      forget,
    ];
  }

  /** Publishes an event into the channel. Throws a TypeError for a name that is
   * empty or the system's: it begins with `$`. */
  emit(name: string, data: Payload, options: EmitOptions = {}): Publishing {
    if (name === '' || name.startsWith('$')) {
      throw new TypeError(`no name of an event: '${name}'`);
    }
    const own = { ...options.tags, [TAG]: name };
    return this.subscription.publish(data, { ...options, tags: tags(own) });
  }

  /** Tells no more events of the channel, as after the last one of a subscription
   * that has ended. The subscription stays. */
  end(): void {
    for (const end of this.#ends) end();
  }
}

/** What it needs of a client. */
interface Client {
  subscribe(channel: string, options?: SubscribeOptions): Subscription;
  on<K extends keyof ClientEvents>(
    event: K, handler: (value: ClientEvents[K]) => void): () => void;
}

/** The events of a client, and itself the place of all of its channels. */
export class Events extends EventNode {
  readonly #channels = new Map<Subscription, ChannelEvents>();
  readonly #namespaces = new Map<string, EventNode>();
  readonly #ends: (() => void)[];

  /** Listens to the client until `end`. One for each client is enough. */
  constructor(client: Client) {
    super();
    const own = (event: NamedEvent) => send(event, [this]);
    this.#ends = [
      client.on('state', (change) => own(new NamedEvent(
        `$connection.${change.to}`, () => change, null, null))),
      client.on('message', (message) => {
        const { event, data } = message;
        if (isPublic(event)) {
          own(new NamedEvent(event, () => data, null, null, message));
        }
      }),
    ];
  }

  /** The events of a subscription, from now on; the same until they are ended. */
  channel(subscription: Subscription): ChannelEvents {
    const known = this.#channels.get(subscription);
    if (known) return known;
    const space = spaceOf(subscription.channel);
    const channel: ChannelEvents = new ChannelEvents(subscription,
      (event) => send(event, [channel, this.#namespaces.get(space), this]),
      () => this.#channels.delete(subscription));
    if (subscription.state !== 'ended') {
      this.#channels.set(subscription, channel);
    }
    return channel;
  }

  /** Of all channels whose name begins with `name:`; empty: of those without. */
  namespace(name: string): EventNode {
    let node = this.#namespaces.get(name);
    if (!node) this.#namespaces.set(name, node = new EventNode());
    return node;
  }

  /** Tells no more events. */
  end(): void {
    for (const end of this.#ends) end();
    for (const channel of this.#channels.values()) channel.end();
  }
}

/** What is the client's own nobody else can send. */
function isPublic(name: string | undefined): name is string {
  return !!name && !name.startsWith('$');
}

function spaceOf(channel: string): string {
  return channel.slice(0, Math.max(channel.indexOf(':'), 0));
}

/** Down from all connections to the place that it is of, and up again. */
function send(
  event: NamedEvent, way: readonly (EventNode | undefined)[],
): void {
  const up = [...way, everywhere];
  for (const node of [...up].reverse()) {
    if (event._isStopped) return;
    node?._tell(event, true);
  }
  for (const node of up) {
    if (event._isStopped) return;
    node?._tell(event, false);
  }
}

function partsOf(pattern: string): string[] {
  const parts = pattern.split('.');
  if (parts.includes('') || parts.slice(0, -1).includes('>')) {
    throw new TypeError(`no pattern: ${pattern}`);
  }
  return parts;
}

function matches(
  pattern: readonly string[], name: readonly string[],
): boolean {
  const isOwn = name[0]!.startsWith('$');
  if (isOwn && !pattern[0]!.startsWith('$')) return false;
  const isOpen = pattern.at(-1) === '>';
  if (isOpen ? name.length < pattern.length : name.length !== pattern.length) {
    return false;
  }
  return pattern.every((part, i) =>
    part === '*' || part === name[i] || (part === '>' && isOpen));
}

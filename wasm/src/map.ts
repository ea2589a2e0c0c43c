// SPDX-License-Identifier: MIT
// map.ts - `godwit/map`: the items of a map channel, kept from the events of a
// subscription.
//
//   const prices = new ItemMap(client.subscribe('price:all', { since: 'start' }));
//   prices.on('change', ({ item, value }) => console.log(item, value));
//   prices.set('A', { bid: 1 });

import { Emitter } from './emitter.js';
import type { PublishOptions } from './options.js';
import type { Publication } from './publication.js';
import { report } from './report.js';
import type { SubscriptionCore } from './subscription-core.js';
import type { Payload, Position, Published, Received } from './types.js';

/** A change of one item. */
export interface ItemChange<T> {
  /** Its name. */
  readonly item: string;
  /** Undefined: the item is gone. */
  readonly value: T | undefined;
  /** What it was before; undefined: there was no such item. */
  readonly previous: T | undefined;
  /** What told it; null when the item turned out to be gone after a time away. */
  readonly publication: Publication | null;
}

/** Events of a map. */
export interface ItemMapEvents<T> {
  /** An item was set or is gone. */
  change: ItemChange<T>;
  /** It holds what the channel holds, for the first time or again. */
  whole: { readonly size: number };
}

interface Entry<T> {
  readonly value: T;
  readonly position: Position;
}

/** Read like a Map, in the order in which the items changed. */
export class ItemMap<T = Received> extends Emitter<ItemMapEvents<T>> {
  /** The subscription that it is kept from, of any build. */
  readonly subscription: SubscriptionCore;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #ends: (() => void)[];
  #isWhole = false;
  /** While all is told anew: items that were not told again yet. */
  #stale: Set<string> | null = null;

  /** subscription: of a channel that keeps a map, with `since: 'start'`, and
   * made by the same code that runs now, so that nothing was missed. */
  constructor(subscription: SubscriptionCore) {
    super();
    this.subscription = subscription;
    this.#ends = [
      subscription.on('publication', (p) => this.#take(p as Publication)),
      subscription.on('reset', () => {
        this.#isWhole = false;
        this.#stale = new Set(this.#entries.keys());
      }),
      subscription.on('gap', () => { this.#isWhole = false; }),
      subscription.on('state', ({ to, recovery }) => {
        if (to === 'live') this.#settle(recovery !== 'gap');
      }),
    ];
  }

  /** Whether nothing is known to be missing. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** How many items there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** The item's value; undefined: there is no such item. */
  get(item: string): T | undefined {
    return this.#entries.get(item)?.value;
  }

  /** Whether there is such an item. */
  has(item: string): boolean {
    return this.#entries.has(item);
  }

  /** Where the item was published last: for `compareItem`. Null: there is no
   * such item, which is what `compareItem: null` means. */
  position(item: string): Position | null {
    return this.#entries.get(item)?.position ?? null;
  }

  *[Symbol.iterator](): IterableIterator<[item: string, value: T]> {
    for (const [item, { value }] of this.#entries) yield [item, value];
  }

  /** Publishes the item's new value. */
  set(
    item: string, value: Payload, options: PublishOptions = {},
  ): Promise<Published> {
    return this.subscription.publish(value, { ...options, item });
  }

  /** Publishes that the item is gone. */
  remove(item: string, options: PublishOptions = {}): Promise<Published> {
    return this.subscription.publish(
      null, { ...options, item, removed: true });
  }

  /** Listens no more; what it holds stays. The subscription stays as well. */
  end(): void {
    for (const end of this.#ends) end();
  }

  #take(publication: Publication): void {
    const { item, removed, position } = publication;
    const held = this.#entries.get(item);
    const previous = held?.value;
    // First of all, as it may throw: then the item stays as it was told last.
    const value: T | undefined = removed ? undefined : publication.data;
    this.#stale?.delete(item);
    // Told anew, and as it was: no change.
    if (held?.position.epoch === position.epoch &&
      held.position.offset === position.offset) return;
    const isKnown = this.#entries.delete(item);
    if (!removed) this.#entries.set(item, { value: value as T, position });
    if (isKnown || !removed) {
      this._emit('change', { item, value, previous, publication });
    }
  }

  #settle(isWhole: boolean): void {
    const gone = this.#stale ?? [];
    this.#stale = null;
    for (const item of gone) {
      const previous = this.get(item);
      this.#entries.delete(item);
      this._emit('change',
        { item, value: undefined, previous, publication: null });
    }
    if (!isWhole) return;
    this.#isWhole = true;
    this._emit('whole', { size: this.size });
  }

  /** @internal */
  _failed(error: unknown): void {
    report(error);
  }
}

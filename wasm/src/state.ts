// SPDX-License-Identifier: MIT
// state.ts - `godwit/state`: keys that clients share, kept from the events of a
// subscription.
//
//   const cart = new SharedState(client, 'user', 'ada');
//   cart.watch('cart/size', ({ value }) => show(value));
//   await cart.update('visits', (n = 0) => n + 1);

import type { GodwitError } from './error.js';
import { ItemMap, type ItemChange } from './map.js';
import type { LiteSubscribeOptions } from './lite-types.js';
import type { PublishOptions } from './options.js';
import type { SubscriptionCore } from './subscription-core.js';
import type { Payload, Position, Published, Received } from './types.js';

/** Whose the keys are: `id` is the public id of a client, the name of a user,
 * channel or group, or for `free` any name. */
export type Scope = 'connection' | 'user' | 'channel' | 'group' | 'free';

/** The value of a path, its own or that of the nearest path which it is in. */
export interface Effective<T> {
  /** What holds for the path. */
  readonly value: T;
  /** The key that has it. */
  readonly from: string;
}

/** What holds for a path from now on, as `SharedState.watch` tells it. */
export interface EffectiveChange<T> {
  /** The path that is watched. */
  readonly path: string;
  /** Undefined: neither the path nor what it is in has a value. */
  readonly value: T | undefined;
  /** The key that has it; undefined: none. */
  readonly from: string | undefined;
  /** What held before; undefined: nothing. */
  readonly previous: Effective<T> | undefined;
}

/** What it needs of a client, of any build. */
interface Client {
  subscribe(channel: string, options?: LiteSubscribeOptions): SubscriptionCore;
  call(method: string, data?: Payload): Promise<Received>;
}

/** Why a state machine did not move: `ILLEGAL_TRANSITION`, or `PERMISSION_DENIED`,
 * with what it is in and may move to. A long list ends with `...`;
 * `StateMachine.read` has the whole. */
export interface MoveError extends GodwitError {
  /** What the machine is in; undefined: the refusal does not say. */
  readonly state?: string;
  /** States that whoever asked may move it to; undefined: as above. */
  readonly allowed?: readonly string[];
}

/** A state machine, as the server tells it. */
export interface MachineInfo {
  /** The one that it is in; the initial one when it never moved. */
  readonly state: string;
  /** States that clients may move it to. */
  readonly allowed: readonly string[];
  /** Who moved it there: empty for the application, or if it moved by itself. */
  readonly user: string;
  /** When, server's clock, milliseconds since 1970; 0: it never moved. */
  readonly since: number;
}

/** How often `update` begins again before it gives up. */
const UPDATES = 16;

/** The channel of a scope, as `$state:user:ada`. */
export function stateChannel(scope: Scope, id: string): string {
  return `$state:${scope}:${id}`;
}

/** Read like a Map of keys and values; an `ItemMap` of the scope's channel, so
 * that `position(key)` is a key's version and `compareItem` compares it. */
export class SharedState<T = Received> extends ItemMap<T> {
  readonly #client: Client;
  readonly #scope: Scope;
  readonly #id: string;

  /** Subscribes to the keys of a scope. `end` ends the subscription. */
  constructor(client: Client, scope: Scope, id: string) {
    super(client.subscribe(stateChannel(scope, id), { since: 'start' }));
    this.#client = client;
    this.#scope = scope;
    this.#id = id;
  }

  /** Resolves when it holds what the server holds; rejects when the subscription
   * ends before. */
  loaded(): Promise<void> {
    return this.#until(() => this.isWhole);
  }

  /** Changes a value by a function of the present one, which is called again when
   * somebody else was faster. It returns undefined to remove the key. */
  async update(
    key: string, change: (value: T | undefined) => Payload | undefined,
    options: PublishOptions = {},
  ): Promise<Published> {
    await this.loaded();
    for (let left = UPDATES; ; left--) {
      const version = this.position(key);
      const value = change(this.get(key));
      const compared = { ...options, compareItem: version };
      try {
        return await (value === undefined
          ? this.remove(key, compared) : this.set(key, value, compared));
      } catch (error) {
        const { name } = error as GodwitError;
        if (name !== 'CONFLICT' || left <= 1) throw error;
      }
      await this.#changed(key, version);
    }
  }

  /** Resolves when what was faster than us is here: on its way, for a moment only,
   * or a part of what is told anew, maybe with the same offset. */
  async #changed(key: string, version: Position | null): Promise<void> {
    let isToldAnew = false;
    const end = this.on('whole', () => { isToldAnew = true; });
    try {
      await this.#until(() =>
        this.isWhole && (isToldAnew || this.position(key) !== version));
    } finally {
      end();
    }
  }

  /** The value of a path: of `a/b/c`, or else of `a/b`, or else of `a`. */
  effective(path: string): Effective<T> | undefined {
    for (let from = path; from; from = parentOf(from)) {
      if (this.has(from)) return { value: this.get(from)!, from };
    }
    return undefined;
  }

  /** Calls the handler whenever the effective value of a path changes, or where it
   * comes from; returns a function that ends it. */
  watch(path: string, handler: (change: EffectiveChange<T>) => void): () => void {
    let previous = this.effective(path);
    return this.on('change', ({ item }: ItemChange<T>) => {
      if (item !== path && !path.startsWith(`${item}/`)) return;
      const now = this.effective(path);
      const isSame = previous?.from === now?.from && now?.from !== item;
      const change = { path, value: now?.value, from: now?.from, previous };
      previous = now;
      if (!isSame) handler(change);
    });
  }

  /** The state machine of a name, which the server's configuration has. */
  machine(name: string): StateMachine {
    return new StateMachine(this as SharedState, name, () => this.#client.call(
      'godwit.machine_get',
      { scope: this.#scope, id: this.#id, machine: name }));
  }

  /** Ends the subscription, too. */
  override end(): void {
    super.end();
    this.subscription.unsubscribe();
  }

  /** Resolves when something is so, after a change or at once. */
  #until(is: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const { subscription } = this;
      const look = () => {
        if (is()) resolve();
        else if (subscription.state === 'ended') {
          reject(new Error('the subscription has ended'));
        } else return;
        for (const end of ends) end();
      };
      const ends = [
        this.on('change', look), this.on('whole', look),
        subscription.on('state', look),
      ];
      look();
    });
  }
}

/** A state machine of a scope: its state is a key, `machine/NAME`. */
export class StateMachine {
  /** The key that holds its state, `machine/NAME`. */
  readonly key: string;
  readonly #shared: SharedState;
  readonly #ask: () => Promise<Received>;

  /** @internal */
  constructor(shared: SharedState, name: string, ask: () => Promise<Received>) {
    this.key = `machine/${name}`;
    this.#shared = shared;
    this.#ask = ask;
  }

  /** Undefined: it never moved, and is in the initial state. */
  get state(): string | undefined {
    return this.#shared.get(this.key);
  }

  /** Moves it. Rejects with a `MoveError` when there is no such transition. */
  async move(to: string, options: PublishOptions = {}): Promise<Published> {
    try {
      return await this.#shared.set(this.key, to, options);
    } catch (error) {
      const [, state, list] = / is (\S+); allowed: (.*)$/.exec(
        (error as GodwitError).message) ?? [];
      if (list === undefined) throw error;
      const allowed = list === 'nothing' ? [] : list.split(', ');
      throw Object.assign(error as GodwitError, { state, allowed });
    }
  }

  /** Asks the server for the state, and for what it may become. */
  async read(): Promise<MachineInfo> {
    const { state, allowed = [], user = '', timeMs = 0 } = await this.#ask();
    return { state, allowed, user, since: Number(timeMs) };
  }

  /** Calls the handler at each change, undefined when it is set back; returns a
   * function that ends it. */
  watch(
    handler: (to: string | undefined, from: string | undefined) => void,
  ): () => void {
    return this.#shared.on('change', ({ item, value, previous }) => {
      if (item === this.key) handler(value, previous);
    });
  }
}

/** `a/b` of `a/b/c`, nothing of `a`. */
function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

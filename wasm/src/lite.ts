// SPDX-License-Identifier: MIT
// lite.ts - `godwit/lite`: the client without presence, filters, metadata, deltas
// and messages, for pages that need none of them and want to load less.

import { ClientCore } from './client-core.js';
import { Code } from './codes.js';
import type { Engine } from './engine.js';
import { GodwitError } from './error.js';
import type { LiteSubscribeOptions } from './lite-types.js';
import { loadWasm } from './load-wasm.js';
import type { Module } from './module.js';
import type { ClientOptions, PublishOptions } from './options.js';
import type { EncodedPayload } from './payload.js';
import type { SubscriptionCore } from './subscription-core.js';

export { GodwitError } from './error.js';
export { isWasmUsable } from './load-wasm.js';
export { SubscriptionCore as Subscription } from './subscription-core.js';
export type { Handler } from './emitter.js';
export type {
  LiteClientEvents as ClientEvents, LitePublication as Publication,
  LitePublishOptions as PublishOptions, LiteSubscribeOptions as SubscribeOptions,
  LiteSubscriptionEvents as SubscriptionEvents,
} from './lite-types.js';
export type {
  CallOptions, ClientOptions, GetToken, LogLevel, MaybeToken, OutboxOptions,
  OutboxStore, Retry, RetryPolicy, WasmSource, WebSocketConstructor,
  WebSocketLike,
} from './options.js';
export type {
  CallContext, CallHandler, CodeName, Gap, GapReason, Info, Limits, Payload,
  Position, Published, Publishing, Reason, ReasonClass, Received, Recovery, Reset,
  State, SubscriptionState, SubscriptionStateEvent,
} from './types.js';

/** The types have none of these, but not everybody goes by types. */
function refuse(options: object, names: readonly string[]): void {
  for (const name of names) {
    if ((options as Record<string, unknown>)[name]) {
      throw new GodwitError(Code.UNSUPPORTED, `godwit/lite has no ${name}`);
    }
  }
}

/** A connection that stays up. */
export class Client extends ClientCore {
  /** Subscribes to a channel, until `unsubscribe()`. The same channel again
   * shares what is there and costs the server nothing. */
  override subscribe(
    channel: string, options: LiteSubscribeOptions = {},
  ): SubscriptionCore {
    refuse(options, ['presence', 'filter', 'metadata', 'delta']);
    return super.subscribe(channel, options);
  }

  /** @internal */
  protected override _tellPublish(
    engine: Engine, words: (number | undefined)[], texts: string, payload: EncodedPayload,
    options: PublishOptions,
  ): number {
    refuse(options, ['tags', 'metadata']);
    return super._tellPublish(engine, words, texts, payload, options);
  }

  /** @internal */
  protected _load({ wasm }: ClientOptions): Promise<Module> {
    return loadWasm(wasm ?? new URL('./godwit-lite.wasm', import.meta.url));
  }
}

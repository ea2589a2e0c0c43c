// SPDX-License-Identifier: MIT
// settings.ts - options in the form that the core reads: gw_client_options.

import { checkedWords, lengthOf, toUtf8, toWords } from './bytes.js';
import { None, Options } from './layout.js';
import type { Module } from './module.js';
import type { ClientOptions, Retry, RetryPolicy } from './options.js';

const PRESETS: Readonly<Record<string, Partial<RetryPolicy>>> = {
  default: {},
  aggressive: { baseMs: 100, capMs: 5000 },
  conservative: { baseMs: 2000, capMs: 120_000 },
};

/** gw_retry_policy. */
export function retryWords(retry: Retry = 'default'): number[] {
  const policy = typeof retry === 'string' ? PRESETS[retry] : retry;
  if (!policy) throw new TypeError(`no retry policy ${retry}`);
  const {
    attempts = 0, baseMs = 500, capMs = 20_000, multiplier = 2, jitter = 1,
    stableMs = 5000,
  } = policy;
  return checkedWords(
    [attempts, baseMs, capMs, multiplier * 1000, jitter * 1000, stableMs]);
}

/** What is the same for the life of a client, or changed by commands. */
export interface Settings {
  readonly _endpoints: readonly string[];
  readonly _options: ClientOptions;
  _retry: number[];
  _token: string;
}

/** Puts the input of `create`; throws when an option is not valid. */
export function putOptions(module: Module, settings: Settings): void {
  const { _options: o, _endpoints: endpoints } = settings;
  if (o.instance && o.instance.length !== 16) {
    throw new RangeError('instance: 16 bytes are needed');
  }
  const texts = [
    settings._token, o.user ?? '', o.agent ?? `godwit-js/${__VERSION__}`,
    o.instance ?? '', ...endpoints,
  ];
  const parts = texts.map(toUtf8);
  const words = new Uint32Array(Options.WORDS + endpoints.length * 2);
  const at = module._reserve(words.byteLength + lengthOf(parts));
  words[Options.ENDPOINTS] = at + Options.WORDS * 4;
  words[Options.NUM_ENDPOINTS] = endpoints.length;
  let place = at + words.byteLength;
  parts.forEach((part, i) => {
    const view = i < Options.NUM_TEXTS
      ? Options.TOKEN + 2 * i : Options.WORDS + 2 * (i - Options.NUM_TEXTS);
    words.set([place, part.length], view);
    place += part.length;
  });
  // An instance that was used before has used keys: the clock is beyond them.
  if (o.instance) words.set(toWords(Date.now() * 1000), Options.FIRST_KEY);
  words.set(settings._retry, Options.RETRY);
  words.set(checkedWords([
    o.pingIntervalMs, o.connectTimeoutMs, o.requestTimeoutMs, o.suspendAfterMs,
    o.outbox?.maxCount, o.outbox?.maxBytes, o.outbox?.maxAgeMs,
    // 0 is the core's default, and all ones are none.
    o.creditBytes === 0 ? None.CREDIT : o.creditBytes,
    0, Number(o.getToken !== undefined),
  ]), Options.PING_INTERVAL_MS);
  module._put([new Uint8Array(words.buffer), ...parts]);
}

// SPDX-License-Identifier: MIT
// settings.ts - options in the form that the core reads: gw_client_options.

import { NO_BYTES, toUtf8, toWords, type Bytes } from './bytes.js';
import { Options } from './layout.js';
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
  if (policy === undefined) throw new TypeError(`no retry policy ${retry}`);
  const {
    attempts = 0, baseMs = 500, capMs = 20_000, multiplier = 2, jitter = 1,
    stableMs = 5000,
  } = policy;
  return checked(
    [attempts, baseMs, capMs, multiplier * 1000, jitter * 1000, stableMs]);
}

function checked(words: number[]): number[] {
  for (const word of words) {
    if (!(word >= 0 && word < 2 ** 32)) {
      throw new RangeError(`${word} is not between 0 and 2 ** 32`);
    }
  }
  return words;
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
  if (o.instance !== undefined && o.instance.length !== 16) {
    throw new RangeError('instance: 16 bytes are needed');
  }
  const words = new Uint32Array(Options.WORDS + endpoints.length * 2);
  const parts: Bytes[] = [new Uint8Array(words.buffer)];
  let len = words.byteLength;
  const views: [number, Uint8Array][] = [
    [Options.TOKEN, toUtf8(settings._token)],
    [Options.USER, toUtf8(o.user ?? '')],
    [Options.AGENT, toUtf8(o.agent ?? `godwit-js/${__VERSION__}`)],
    [Options.INSTANCE, o.instance ?? NO_BYTES],
    ...endpoints.map((endpoint, i): [number, Uint8Array] =>
      [Options.WORDS + i * 2, toUtf8(endpoint)]),
  ];
  for (const [word, bytes] of views) {
    words[word] = len;
    words[word + 1] = bytes.length;
    len += bytes.length;
    parts.push(bytes as Bytes);
  }
  // Places become addresses.
  const at = module._reserve(len);
  for (const [word] of views) words[word]! += at;
  words[Options.ENDPOINTS] = at + Options.WORDS * 4;
  words[Options.NUM_ENDPOINTS] = endpoints.length;
  // An instance that was used before has used keys: the clock is beyond them.
  if (o.instance) words.set(toWords(Date.now() * 1000), Options.FIRST_KEY);
  words.set(settings._retry, Options.RETRY);
  words.set(checked([
    o.pingIntervalMs ?? 0, o.connectTimeoutMs ?? 0, o.requestTimeoutMs ?? 0,
    o.suspendAfterMs ?? 0, o.outbox?.maxCount ?? 0, o.outbox?.maxBytes ?? 0,
    o.outbox?.maxAgeMs ?? 0, 0, Number(o.getToken !== undefined),
  ]), Options.PING_INTERVAL_MS);
  module._put(...parts);
}

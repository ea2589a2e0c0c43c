// SPDX-License-Identifier: MIT
// settings.ts - options in the form that wasm/bridge.c reads.

import { toUtf8, toWords, type Bytes, type Words } from './bytes.js';
import type { ClientOptions, Retry, RetryPolicy } from './options.js';

const PRESETS: Readonly<Record<string, RetryPolicy>> = {
  default: {
    attempts: 0, baseMs: 500, capMs: 20_000, multiplier: 2, jitter: 1,
    stableMs: 5000,
  },
  aggressive: {
    attempts: 0, baseMs: 100, capMs: 5000, multiplier: 2, jitter: 1,
    stableMs: 5000,
  },
  conservative: {
    attempts: 0, baseMs: 2000, capMs: 120_000, multiplier: 2, jitter: 1,
    stableMs: 5000,
  },
};

/** gw_retry_policy as words. */
export function retryWords(retry: Retry = 'default'): Uint32Array {
  const preset = typeof retry === 'string' ? PRESETS[retry] : undefined;
  if (typeof retry === 'string' && preset === undefined) {
    throw new TypeError(`there is no retry policy named ${retry}`);
  }
  const p = preset ?? { ...PRESETS['default']!, ...(retry as object) };
  const words = [
    p.attempts, p.baseMs, p.capMs, p.multiplier * 1000, p.jitter * 1000,
    p.stableMs,
  ];
  return checkedWords('retry', words);
}

function checkedWords(what: string, words: number[]): Uint32Array {
  for (const word of words) {
    if (!(word >= 0 && word <= 0xffff_ffff)) {
      throw new RangeError(`${what}: ${word} is not between 0 and 2 ** 32 - 1`);
    }
  }
  return Uint32Array.from(words);
}

/** What is the same for the life of a client, or changed by commands. */
export interface Settings {
  readonly endpoints: readonly string[];
  readonly options: ClientOptions;
  retry: Uint32Array;
  token: string;
}

/** The input of `create`; throws when an option is not valid. */
export function createInput(settings: Settings): [Uint32Array, Bytes] {
  const { options: o, endpoints } = settings;
  if (o.instance !== undefined && o.instance.length !== 16) {
    throw new RangeError('instance: 16 bytes are needed');
  }
  const texts = [
    toUtf8(settings.token), toUtf8(o.user ?? ''),
    toUtf8(o.agent ?? `godwit-js/${__VERSION__}`),
    o.instance ?? new Uint8Array(0), ...endpoints.map(toUtf8),
  ];
  const words = checkedWords('options', [
    ...settings.retry, o.pingIntervalMs ?? 0, o.connectTimeoutMs ?? 0,
    o.requestTimeoutMs ?? 0, o.suspendAfterMs ?? 0, o.outbox?.maxCount ?? 0,
    o.outbox?.maxBytes ?? 0, o.outbox?.maxAgeMs ?? 0, o.outbox?.store ? 1 : 0,
    ...firstKey(o),
    ...texts.slice(0, 4).map((text) => text.length), endpoints.length,
    ...texts.slice(4).map((text) => text.length),
  ]);
  return [words, concat(texts)];
}

/** An instance that was used before has used keys: the clock is beyond them. */
function firstKey(options: ClientOptions): Words {
  return toWords(options.instance === undefined ? 0 : Date.now() * 1000);
}

function concat(parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// SPDX-License-Identifier: MIT
// bytes.ts - numbers and texts to and from the form that they have in the core.

const WORD = 0x1_0000_0000;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes that do not live in shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A 64-bit number as two words, low one first. */
export type Words = readonly [low: number, high: number];

export const NO_BYTES: Bytes = new Uint8Array(0);

export function lengthOf(parts: readonly Uint8Array[]): number {
  let len = 0;
  for (const part of parts) len += part.length;
  return len;
}

/** Bytes stay as they are. */
export function toUtf8(text: string | Uint8Array): Bytes {
  return (typeof text === 'string' ? encoder.encode(text) : text) as Bytes;
}

export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** A text in memory of its own, not cut out of another one. */
export function copyOf(text: string): string {
  return fromUtf8(toUtf8(text));
}

/** Words, as the bytes of an argument. */
export function wordBytes(words: readonly number[]): Bytes {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** One behind the other. */
export function joined(a: Uint8Array, b: Uint8Array): Bytes {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Exact up to 2 ** 53, which offsets, counters and clocks do not reach. */
export function toNumber(low: number, high: number): number {
  return high * WORD + low;
}

function words(value: bigint): Words {
  const [low, high] = new Uint32Array(BigUint64Array.of(value).buffer);
  return [low!, high!];
}

export function toWords(value: number): Words {
  return words(BigInt(value));
}

function hexWord(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

/** Ids, keys and epochs are numbers that nobody calculates with: 16 digits; null
 * for 0, which means that there is none. */
export function toHex(low: number, high: number): string | null {
  return low || high ? hexWord(high) + hexWord(low) : null;
}

/** Throws a SyntaxError when it is none. */
export function fromHex(hex: string): Words {
  return words(BigInt(`0x${hex}`));
}

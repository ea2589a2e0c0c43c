// SPDX-License-Identifier: MIT
// bytes.ts - numbers and texts to and from the form that they have in the core.

const WORD = 0x1_0000_0000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes that do not live in shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A 64-bit number as two words, low one first. */
export type Words = readonly [low: number, high: number];

export const NO_BYTES: Bytes = new Uint8Array(0);

export function toUtf8(text: string): Bytes {
  return encoder.encode(text) as Bytes;
}

export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Words, as the bytes of an argument. */
export function wordBytes(words: readonly number[]): Bytes {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** Exact up to 2 ** 53, which offsets, counters and clocks do not reach. */
export function toNumber(low: number, high: number): number {
  return high * WORD + low;
}

export function toWords(value: number): Words {
  return [value % WORD, Math.floor(value / WORD)];
}

function hexWord(word: number): string {
  return word.toString(16).padStart(8, '0');
}

/** Ids and epochs are numbers that nobody calculates with: 16 digits. */
export function toHex(low: number, high: number): string {
  return hexWord(high) + hexWord(low);
}

/** An id, a key or an epoch, where 0 means that there is none. */
export function toId(low: number, high: number): string | null {
  return low || high ? toHex(low, high) : null;
}

export function fromHex(hex: string): Words {
  if (!/^[0-9a-f]{1,16}$/i.test(hex)) {
    throw new TypeError(`not up to 16 hexadecimal digits: ${hex}`);
  }
  return [parseInt(hex.slice(-8), 16), parseInt(hex.slice(0, -8) || '0', 16)];
}

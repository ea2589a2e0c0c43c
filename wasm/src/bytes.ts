// SPDX-License-Identifier: MIT
// bytes.ts - numbers and texts to and from the form that they have in the core.

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes that do not live in shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

export const NO_BYTES: Bytes = new Uint8Array(0);

export function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
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

/** Numbers of 32 bits. What is not given is 0, and left to the core. */
export function checkedWords(
  words: readonly (number | undefined)[],
): number[] {
  return words.map((word = 0) => {
    if (word >= 0 && word < 2 ** 32) return word;
    throw new RangeError(`${word} is out of range`);
  });
}

/** Words, as the bytes of an argument. */
export function wordBytes(words: readonly (number | undefined)[]): Bytes {
  return new Uint8Array(Uint32Array.from(checkedWords(words)).buffer);
}

/** One behind the other. */
export function joined(a: Uint8Array, b: Uint8Array): Bytes {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** A 64-bit number as two words, low one first. Text is hexadecimal behind 0x;
 * throws a SyntaxError when it is none. */
export function toWords(value: number | string): Uint32Array {
  return new Uint32Array(BigUint64Array.of(BigInt(value)).buffer);
}

function hexWord(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

/** Ids, keys and epochs are numbers that nobody calculates with: 16 digits; null
 * for 0, which means that there is none. */
export function toHex(low: number, high: number): string | null {
  return low || high ? hexWord(high) + hexWord(low) : null;
}

/** As toWords. */
export function fromHex(hex: string): Uint32Array {
  return toWords(`0x${hex}`);
}

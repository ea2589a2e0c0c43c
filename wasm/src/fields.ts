// SPDX-License-Identifier: MIT
// fields.ts - the few messages of Protocol Buffers that the core leaves to
// JavaScript: tags of publications, and terms of filters.

/** A field that holds bytes or text. */
export function writeField(
  number: number, bytes: ArrayLike<number>,
): number[] {
  const out = [number * 8 + 2];
  let len = bytes.length;
  for (; len > 127; len >>>= 7) out.push(len % 128 + 128);
  return [...out, len, ...Array.from(bytes)];
}

/** The fields of a message that the core has read before, but for varints. */
export function* readFields(
  bytes: Uint8Array,
): Generator<[number: number, bytes: Uint8Array]> {
  let at = 0;
  const varint = () => {
    let value = 0;
    let scale = 1;
    let byte;
    do {
      byte = bytes[at++]!;
      value += byte % 128 * scale;
      scale *= 128;
    } while (byte > 127);
    return value;
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key % 8;
    if (wire === 0) {
      varint();
      continue;
    }
    const len = wire === 2 ? varint() : wire === 1 ? 8 : 4;
    yield [key >>> 3, bytes.subarray(at, at += len)];
  }
}

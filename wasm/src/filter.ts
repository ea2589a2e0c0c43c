// SPDX-License-Identifier: MIT
// filter.ts - `godwit/filter`: which publications of a channel a subscription
// wants, by their tags; and the tags.
//
//   client.subscribe('stock:all', {
//     filter: and(oneOf('symbol', ['A', 'B']), ge('price', 100)),
//   });
//   client.publish('stock:all', quote, { tags: tags({ symbol: 'A', price: 101 }) });

import { fromUtf8, toUtf8 } from './bytes.js';
import type { Publication } from './publication.js';
import type { EncodedList as Filter } from './types.js';

export type { Filter };

/** FilterOp of the schema. */
const enum Op {
  AND = 1, OR, NOT, EQ, NE, IN, EXISTS, PREFIX, LT, LE, GT, GE,
}

type Value = string | number | boolean;

/** A field of Protocol Buffers that holds bytes or text. */
function field(number: number, value: string | number[]): number[] {
  const bytes = typeof value === 'string' ? toUtf8(value) : value;
  const out = [number * 8 + 2];
  let len = bytes.length;
  for (; len > 127; len >>>= 7) out.push(len % 128 + 128);
  return [...out, len, ...bytes];
}

/** Terms in front, and a FilterTerm of the schema behind them. */
function then(
  before: readonly Filter[], op: Op, tag = '', values: readonly Value[] = [],
  count = 0,
): Filter {
  const term = field(1, [
    8, op,
    ...field(2, tag),
    ...values.flatMap((value) => field(3, String(value))),
    // count; filters are not so long that it would need a second byte.
    32, count,
  ]);
  return {
    size: before.reduce((sum, { size }) => sum + size, 1),
    terms: Uint8Array.from([...before.flatMap(({ terms }) => [...terms]), ...term]),
  };
}

function condition(op: Op, tag: string, values: readonly Value[]): Filter {
  return then([], op, tag, values);
}

function joined(op: Op, filters: readonly Filter[]): Filter {
  const [first] = filters;
  if (first === undefined) throw new TypeError('no filter to join');
  return filters.length === 1 ? first : then(filters, op, '', [], filters.length);
}

/** The tag has this value. */
export const eq = (tag: string, value: Value): Filter =>
  condition(Op.EQ, tag, [value]);

/** It has another one, or there is no such tag. */
export const ne = (tag: string, value: Value): Filter =>
  condition(Op.NE, tag, [value]);

/** It has one of these values. */
export const oneOf = (tag: string, values: readonly Value[]): Filter =>
  condition(Op.IN, tag, values);

/** There is such a tag. */
export const exists = (tag: string): Filter => condition(Op.EXISTS, tag, []);

/** Its value begins with this. */
export const prefix = (tag: string, text: string): Filter =>
  condition(Op.PREFIX, tag, [text]);

/** Its value is a number below this. */
export const lt = (tag: string, number: number): Filter =>
  condition(Op.LT, tag, [number]);

/** Its value is a number, at most this. */
export const le = (tag: string, number: number): Filter =>
  condition(Op.LE, tag, [number]);

/** Its value is a number above this. */
export const gt = (tag: string, number: number): Filter =>
  condition(Op.GT, tag, [number]);

/** Its value is a number, at least this. */
export const ge = (tag: string, number: number): Filter =>
  condition(Op.GE, tag, [number]);

/** All of them let it pass. */
export const and = (...filters: readonly Filter[]): Filter =>
  joined(Op.AND, filters);

/** One of them lets it pass. */
export const or = (...filters: readonly Filter[]): Filter =>
  joined(Op.OR, filters);

/** The filter does not let it pass. */
export const not = (filter: Filter): Filter => then([filter], Op.NOT);

/** What a publication shall carry for filters, up to 16. */
export function tags(values: Readonly<Record<string, Value>>): Filter {
  const entries = Object.entries(values);
  return {
    size: entries.length,
    terms: Uint8Array.from(entries.flatMap(([name, value]) =>
      field(1, [...field(1, name), ...field(2, String(value))]))),
  };
}

/** The fields of a message that the core has read before, but for numbers. */
function* fieldsOf(
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

/** Number of Publication.tags in the schema. */
const TAGS = 10;

/** The tags that a publication carries. */
export function tagsOf({ tagBytes }: Publication): Record<string, string> {
  const found: [string, string][] = [];
  for (const [number, tag] of fieldsOf(tagBytes)) {
    if (number !== TAGS) continue;
    const texts = ['', '', ''];
    for (const [part, text] of fieldsOf(tag)) texts[part] = fromUtf8(text);
    found.push([texts[1]!, texts[2]!]);
  }
  return Object.fromEntries(found);
}

// SPDX-License-Identifier: MIT
// filter.ts - `godwit/filter`: which publications of a channel a subscription
// wants, by their tags.
//
//   client.subscribe('stock:all', {
//     filter: and(oneOf('symbol', ['A', 'B']), ge('price', 100)),
//   });

import { toUtf8 } from './bytes.js';
import { writeField } from './fields.js';
import type { Filter } from './types.js';

export type { Filter };

/** FilterOp of the schema. */
const enum Op {
  AND = 1, OR, NOT, EQ, NE, IN, EXISTS, PREFIX, LT, LE, GT, GE,
}

type Value = string | number | boolean;

/** FilterTerm of the schema. */
function term(
  op: Op, tag = '', values: readonly Value[] = [], count = 0,
): Uint8Array {
  return Uint8Array.from([
    8, op,
    ...writeField(2, toUtf8(tag)),
    ...values.flatMap((value) => writeField(3, toUtf8(String(value)))),
    // count; filters are not so long that it would need a second byte.
    32, count,
  ]);
}

function condition(op: Op, tag: string, values: readonly Value[]): Filter {
  return { terms: [term(op, tag, values)] };
}

function joined(op: Op, filters: readonly Filter[]): Filter {
  const [first] = filters;
  if (first === undefined) throw new TypeError('no filter to join');
  if (filters.length === 1) return first;
  return {
    terms: [
      ...filters.flatMap(({ terms }) => terms),
      term(op, '', [], filters.length),
    ],
  };
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
export const not = ({ terms }: Filter): Filter =>
  ({ terms: [...terms, term(Op.NOT)] });

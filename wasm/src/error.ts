// SPDX-License-Identifier: MIT
// error.ts - failures with a code of the schema's table.

import { Code, TABLE, type CodeName } from './codes.js';
import type { Reason, ReasonClass } from './types.js';

/** What a publish, a call or another request fails with. */
export class GodwitError extends Error {
  /** A code of the table in the schema, or from 900 on of the application. */
  declare readonly code: number;
  /** What to do about it. */
  declare readonly class: ReasonClass;
  /** Do not try again before this long; 0 for no such wish. */
  declare readonly retryAfterMs: number;
  /** Of a publish that is refused: path of what is wrong in its data, such as
   * `user.address[2].city`; empty for nothing in particular. */
  declare readonly field?: string;

  /** message: for people; the name of the code when absent. What a handler of
   * calls throws is answered with both. */
  constructor(code: number, message?: string, retryAfterMs = 0) {
    const reason = reasonOf(code, message);
    super(reason.message);
    Object.assign(this, reason, { retryAfterMs });
  }
}

/** By the hundred of a code, also of one that is not known. */
const CLASSES: readonly ReasonClass[] =
  ['terminal', 'retry', 'retry-after', 'reauth', 'resync'];

/** message: the peer's words, which may be empty. */
export function reasonOf(code: number, message?: string): Reason {
  const hundred = Math.floor(code / 100);
  const names = TABLE.split('\n')[hundred]?.split(' ');
  const name = names?.[code % 100] as CodeName || 'UNKNOWN';
  return {
    code,
    name,
    class: code ? CLASSES[hundred] ?? 'terminal' : 'ok',
    message: message || name.toLowerCase().replace(/_/g, ' '),
  };
}

/** Results of the core's functions (godwit/err.h). */
export const enum Result {
  INVALID = -100,
  /** Not possible in this state: closed, mostly. */
  STATE = -101,
  NOT_FOUND = -102, TOO_BIG = -104, TEXT = -105, NOMEM = -300, FULL = -301,
}

// As what they mean to the application.
const RESULTS: Readonly<Record<number, number>> = {
  [Result.INVALID]: Code.BAD_REQUEST,
  [Result.STATE]: Code.CLOSED,
  [Result.NOT_FOUND]: Code.NOT_FOUND,
  [Result.TOO_BIG]: Code.TOO_BIG,
  [Result.TEXT]: Code.BAD_TEXT,
  [Result.NOMEM]: Code.LIMIT_REACHED,
  [Result.FULL]: Code.LIMIT_REACHED,
};

/** The code for a negative result of the core. */
export function codeOfResult(result: number): number {
  return RESULTS[result] ?? Code.INTERNAL;
}

/** Hands on a result that is not negative. full: what it means that there is no
 * room. */
export function checked(
  result: number, full: number = Code.LIMIT_REACHED,
): number {
  if (result >= 0) return result;
  throw new GodwitError(result === Result.FULL ? full : codeOfResult(result));
}

// SPDX-License-Identifier: MIT
// error.ts - failures with a code of the schema's table.

import { Code, codeClass, codeName, codeText } from './codes.js';
import type { Reason, ReasonClass } from './types.js';

/** What a publish, a call or another request fails with. */
export class GodwitError extends Error {
  readonly code: number;
  readonly class: ReasonClass;
  /** Do not try again before this long; 0 for no such wish. */
  readonly retryAfterMs: number;

  constructor(code: number, message?: string, retryAfterMs = 0) {
    const reason = reasonOf(code, message);
    super(reason.message);
    this.name = reason.name;
    this.code = code;
    this.class = reason.class;
    this.retryAfterMs = retryAfterMs;
  }
}

/** message: the peer's words, which may be empty. */
export function reasonOf(code: number, message?: string): Reason {
  return {
    code,
    name: codeName(code),
    class: codeClass(code).toLowerCase().replace('_', '-') as ReasonClass,
    message: message || codeText(code),
  };
}

const FULL = -301;

// Results of the core's functions (godwit/err.h), as what they mean to the
// application.
const RESULTS: Readonly<Record<number, number>> = {
  [-100]: Code.BAD_REQUEST,
  [-101]: Code.CONNECTION_LOST,
  [-102]: Code.NOT_FOUND,
  [-104]: Code.TOO_BIG,
  [-105]: Code.BAD_TEXT,
  [-300]: Code.LIMIT_REACHED,
  [FULL]: Code.LIMIT_REACHED,
};

/** The code for a negative result of the core. */
export function codeOfResult(result: number): number {
  return RESULTS[result] ?? Code.INTERNAL;
}

/** Hands on a result that is not negative. full: what it means that there is no
 * room. */
export function checked(result: number, full: number = Code.LIMIT_REACHED): number {
  if (result === FULL) throw new GodwitError(full);
  if (result < 0) throw new GodwitError(codeOfResult(result));
  return result;
}

// SPDX-License-Identifier: MIT
// make-codes.mjs - packs the table of codes, which proto/gen_codes.py makes of
// the schema, into one text: as objects it would be a sixth of the script. A
// server sends words with its codes, so that only codes which the client itself
// gives, and whose name does not say it all, need a sentence here.
//
//   node make-codes.mjs CODES.mjs > codes.ts

const { Code, codeText } = await import(process.argv[2]);

const BARE = new Set(`UNKNOWN_METHOD NOT_FOUND HANDLER_FAILED
  UNSUBSCRIBED OUTBOX_FULL
  SLOW_READER PRECEDING_REFUSED PEER_GONE SHUTDOWN
  OVERLOADED RATE_LIMITED TOO_MANY_CONNECTIONS TOKEN_EXPIRED TOKEN_INVALID
  TOKEN_REVOKED EPOCH_CHANGED POSITION_LOST VERSION NOT_SUBSCRIBED
  ALREADY_SUBSCRIBED PERMISSION_DENIED CONFLICT REPLACED FORCED
  CONNECTION_LIMIT DISPLACED BAD_ORIGIN
  `.split(/\s+/));

const names = Object.keys(Code);
const rows = names.map((name) => `${Code[name]}${name}` +
  (BARE.has(name) ? '' : ` ${codeText(Code[name])}`));

console.log(`// SPDX-License-Identifier: MIT
// codes.ts - made by make-codes.mjs from build/gen/codes.ts.

/** Numbers of the schema's codes. */
export const enum Code {
${names.map((name) => `  ${name} = ${Code[name]},`).join('\n')}
}

/** Names of the schema's codes. */
export type CodeName =
${names.map((name) => `  | '${name}'`).join('\n')};

/** A line for each: number, name and, where the client gives it, a sentence. */
export const TABLE = \`${rows.join('\n').replace(/[\\`$]/g, '\\$&')}\`;`);

// SPDX-License-Identifier: MIT
// make-codes.mjs - packs the table of codes, which proto/gen_codes.py makes of
// the schema, into one text: as objects it would be a sixth of the script. The
// sentences are left out, as a server sends words with its codes, and the names of
// those that the client itself gives say what happened.
//
//   node make-codes.mjs CODES.mjs > codes.ts

const { Code } = await import(process.argv[2]);

const names = Object.keys(Code);
const rows = [];
for (const name of names) {
  const code = Code[name];
  (rows[Math.floor(code / 100)] ??= [])[code % 100] = name;
}

console.log(`// SPDX-License-Identifier: MIT
// codes.ts - made by make-codes.mjs from build/gen/codes.ts.

/** Numbers of the schema's codes. */
export const enum Code {
${names.map((name) => `  ${name} = ${Code[name]},`).join('\n')}
}

/** Names of the schema's codes. */
export type CodeName =
${names.map((name) => `  | '${name}'`).join('\n')};

/** A line for each hundred: the names, in their order. */
export const TABLE = \`${rows.map((row) => row.join(' ')).join('\n')}\`;`);

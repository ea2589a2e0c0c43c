// SPDX-License-Identifier: MIT
// make-codes.mjs - packs the table of codes, which proto/gen_codes.py makes of
// the schema, into one text: as objects it would be a sixth of the script.
//
//   node make-codes.mjs CODES.mjs > codes.ts

const { Code, codeText } = await import(process.argv[2]);

const names = Object.keys(Code);
const rows = names.map((name) => `${Code[name]}${name} ${codeText(Code[name])}`);

console.log(`// SPDX-License-Identifier: MIT
// codes.ts - made by make-codes.mjs from build/gen/codes.ts.

/** Numbers of the schema's codes. */
export const enum Code {
${names.map((name) => `  ${name} = ${Code[name]},`).join('\n')}
}

/** Names of the schema's codes. */
export type CodeName =
${names.map((name) => `  | '${name}'`).join('\n')};

/** A line for each: number, name, sentence. */
export const TABLE = \`${rows.join('\n').replace(/[\\`$]/g, '\\$&')}\`;`);

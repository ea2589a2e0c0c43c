// SPDX-License-Identifier: MIT
// globals.d.ts - what the build puts in.

/** Version of the package. */
declare const __VERSION__: string;

/** Of Node, Deno and Bun. */
declare var setImmediate: ((callback: () => void) => void) | undefined;

/** The core as plain JavaScript: wasm2js's output, as one function. */
declare module '#godwit-core' {
  const instantiate: (
    imports: import('./imports.js').Imports) => import('./module.js').Exports;
  export default instantiate;
}

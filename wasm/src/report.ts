// SPDX-License-Identifier: MIT
// report.ts - where errors of handlers go.

export function report(error: unknown): void {
  const { reportError } = globalThis;
  // Deno ends the process at what is reported.
  if (typeof reportError === 'function' && !('Deno' in globalThis)) {
    reportError(error);
  } else {
    console.error(error);
  }
}

// SPDX-License-Identifier: MIT
// node.ts - modules of Node, which Deno and Bun have, too.

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function importNode(name: string): Promise<any> {
  // Put together here, so that bundlers for the web do not try to find it.
  return import(/* @vite-ignore */ ['node', name].join(':'));
}

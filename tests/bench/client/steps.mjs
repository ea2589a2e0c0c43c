// SPDX-License-Identifier: MIT
// steps.mjs - takes a host through what run.py asks for: a line of JSON for each
// step, and a line of JSON for what came of it.

import { createInterface } from 'node:readline';

/** steps: by name, a function of the step's arguments. */
export async function serve(steps) {
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    const { step, ...how } = JSON.parse(line);
    let result;
    try {
      result = await steps[step](how) ?? {};
    } catch (error) {
      result = { error: String(error?.message ?? error) };
    }
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}

/** Bytes that a sampling heap profile has seen allocated. */
export function sampledBytes({ head }) {
  let sum = 0;
  const left = [head];
  for (let node; (node = left.pop()) !== undefined;) {
    sum += node.selfSize;
    left.push(...node.children);
  }
  return sum;
}

/** Of HeapProfiler.startSampling: what was collected since counts, too. */
export const SAMPLING = {
  samplingInterval: 8192,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
};

// SPDX-License-Identifier: MIT
// worker.mjs - the suite in a worker.

import { runAll } from './run.mjs';

onmessage = ({ data }) => runAll(data, postMessage).then(
  () => postMessage({ done: true }),
  (error) => postMessage({ done: true, error: String(error) }));

// SPDX-License-Identifier: MIT
// eventually.mjs - patience: what is demanded has to become true, not to be true
// when it is looked at, however busy the machine is.

const PATIENCE_MS = 30_000;
const POLL_MS = 40;

/** Runs check until it does not throw, and returns what it returns; in the end
 * throws what it threw last. */
export async function eventually(check, ms = PATIENCE_MS) {
  const deadline = Date.now() + ms;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
  }
}

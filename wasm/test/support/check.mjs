// SPDX-License-Identifier: MIT
// check.mjs - assertions that work in Node and in pages.

function show(value) {
  return value instanceof Uint8Array
    ? `bytes ${[...value]}`
    : JSON.stringify(value, (_, v) => typeof v === 'bigint' ? `${v}n` : v);
}

export function ok(value, what = 'a true value') {
  if (!value) throw new Error(`expected ${what}, got ${show(value)}`);
}

/** By content. */
export function equal(actual, expected, what = '') {
  if (show(actual) !== show(expected)) {
    throw new Error(
      `${what || 'value'}: expected ${show(expected)}, got ${show(actual)}`);
  }
}

export async function rejects(promise, name) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    equal(error.name, name, 'name of the error');
    return error;
  }
  throw new Error(`expected ${name}, got ${show(value)}`);
}

export function throws(run, name) {
  try {
    run();
  } catch (error) {
    equal(error.name, name, 'name of the error');
    return error;
  }
  throw new Error(`expected ${name}, nothing was thrown`);
}

/** Waits until a condition holds; tests have a timeout of their own. */
export async function until(condition, what = String(condition)) {
  for (let i = 0; i < 1500; i++) {
    const value = condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, i < 50 ? 0 : 10));
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Long enough for everything that is due at once: timers, and messages of ports,
 * which WebKit lets wait for them. */
export async function settled() {
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    await nextMessage();
  }
}

function nextMessage() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

/** Runs what makes the package report errors, without the console or the page
 * seeing them; returns how many there were. */
export async function quietly(run) {
  let reported = 0;
  const { reportError } = globalThis;
  const { error } = console;
  if (reportError) globalThis.reportError = () => reported++;
  console.error = () => reported++;
  try {
    await run();
  } finally {
    if (reportError) globalThis.reportError = reportError;
    console.error = error;
  }
  return reported;
}

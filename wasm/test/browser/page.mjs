// SPDX-License-Identifier: MIT
// page.mjs - the suite in this page or, with &worker, in a worker of it.

import { runAll } from './run.mjs';

window.results = [];
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));

const list = document.querySelector('ul');

function tell(result) {
  window.results.push(result);
  const item = document.createElement('li');
  item.textContent = `${result.error ? 'FAILED' : 'passed'}: ${result.name}` +
    (result.error ? `\n${result.error}` : '');
  list.append(item);
}

function end(error) {
  if (error) tell({ name: 'all of it', error: String(error?.stack ?? error) });
  window.done = true;
  const failed = window.results.filter((result) => result.error).length;
  document.querySelector('h1').textContent =
    `${window.results.length - failed} passed, ${failed} failed`;
}

if (new URLSearchParams(location.search).has('worker')) {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url),
    { type: 'module' });
  worker.onmessage = ({ data }) => data.done ? end(data.error) : tell(data);
  worker.onerror = (event) => end(event.message);
  worker.postMessage(location.search);
} else {
  runAll(location.search, tell).then(() => end(), end);
}

// SPDX-License-Identifier: MIT
// console.test.mjs - a window calls the server and the other window, where a program
// answers, or a person.

import assert from 'node:assert/strict';

import { ConsolePage } from './pages/console-page.mjs';
import { demoWith } from './support/demo.mjs';

const demo = demoWith(['ada', 'grace']);

async function both({ ada, grace, room }) {
  const first = await new ConsolePage(ada).enter(room);
  const second = await new ConsolePage(grace).enter(room);
  await first.untilOthers('The server', 'Ada (this window)', 'Grace');
  await second.untilOthers('The server', 'Ada', 'Grace (this window)');
  return [first, second];
}

demo.test('the server answers, and says what is wrong', async (context) => {
  const [first] = await both(context);
  await first.browser.select('#example', 'How many are here?');
  await first.browser.click('#call [type=submit]');
  await first.untilResult(/"clients": 2/u);
  await first.call('The server', 'no.such.method', null);
  await first.untilError(/506 UNKNOWN_METHOD/u);
  await first.browser.fill('#call-data', '{');
  await first.browser.click('#call [type=submit]');
  await first.shows('#call-data-error', /^That is no JSON/u);
  assert.equal(await first.browser.count('#log > li'), 2);
});

demo.test('windows call each other, and people answer', async (context) => {
  const [first, second] = await both(context);
  await first.call('Grace', 'add', [1, 2, 39]);
  await first.untilResult('42');
  await second.untilCall(/^from Ada add/u);
  await first.call('Grace', 'add', 'no list');
  await first.untilError(/500 BAD_REQUEST a list of numbers is needed/u);
  await second.call('Ada', 'refuse', null);
  await second.untilError(/202 RATE_LIMITED/u);

  await first.call('Grace', 'ask', 'Is it raining?');
  await second.shows('#questions q', 'Is it raining?');
  await second.answer('Only on the coast');
  await first.untilResult('"Only on the coast"');
  // What is not ticked is not answered.
  await second.browser.click('#handler-echo');
  await first.call('Grace', 'echo', 1);
  await first.untilError(/506 UNKNOWN_METHOD/u);
});

// SPDX-License-Identifier: MIT
// gate.test.mjs - two windows move one gate: both show it as it is, a refusal says what
// there is instead, and nobody wipes out a sign unread.

import { GatePage } from './pages/gate-page.mjs';
import { AWAY, demoWith } from './support/demo.mjs';

const demo = demoWith(['ada', 'grace']);

demo.test('two people move one gate, and see who did it',
  async ({ ada, grace, room }) => {
    const first = await new GatePage(ada).enter(room);
    const second = await new GatePage(grace).enter(room);
    for (const page of [first, second]) await page.untilGate('Closed');
    await first.move('locked');
    for (const page of [first, second]) {
      await page.untilGate('Locked');
      await page.untilNewest('Ada locked it');
    }
    await second.move('closed');
    for (const page of [first, second]) {
      await page.untilGate('Closed');
      await page.untilNewest('Grace unlocked it');
    }
  });

demo.test('what may not be is refused, with what may',
  async ({ ada, grace, room }) => {
    const first = await new GatePage(ada).enter(room);
    const second = await new GatePage(grace).enter(room);
    await first.move('locked');
    await second.untilGate('Locked');
    await second.press('open');
    await second.untilAnswer(
      /550 ILLEGAL_TRANSITION.*gate is locked; allowed: closed/u);
    await second.press('jammed');
    await second.untilAnswer(/507 PERMISSION_DENIED/u);
    await first.untilGate('Locked');
    await second.move('closed');
    await first.untilGate('Closed');
    await second.untilAnswer('');
  });

demo.test('it closes by itself, in both windows', async ({ ada, grace, room }) => {
  const first = await new GatePage(ada).enter(room);
  const second = await new GatePage(grace).enter(room);
  await first.move('open');
  await second.shows('#leaves', /^closes by itself (in \d+ s|now)$/u);
  for (const page of [first, second]) {
    await page.untilNewest('Closed, by itself');
    await page.untilGate('Closed');
  }
});

demo.test('the gate begins anew with the server',
  async ({ ada, grace, room, server }) => {
    const first = await new GatePage(ada).enter(room);
    const second = await new GatePage(grace).enter(room);
    await first.move('locked');
    await second.untilGate('Locked');
    await server.kill();
    await second.untilState('waiting', 'connecting', 'suspended');
    await second.press('open');
    await second.untilAnswer(/waiting/u);
    await server.start();
    for (const page of [first, second]) {
      await page.untilNewest(/Grace opened it|Found open, as Grace left it/u);
    }
    await second.untilAnswer('');
  }, { complaints: AWAY });

demo.test('a sign is shared, and not replaced unread',
  async ({ ada, grace, room }) => {
    const first = await new GatePage(ada).enter(room);
    const second = await new GatePage(grace).enter(room);
    await first.hang('Beware of the godwit');
    await second.shows('#sign', 'Beware of the godwit');
    await second.browser.fill('#sign-field', 'No bicycles');
    await first.hang('Back at two');
    await second.shows('#sign', 'Back at two');
    await second.browser.click('#sign-form [type=submit]');
    await second.shows('#sign-answer', /511 CONFLICT Somebody was faster/u);
    await second.browser.click('#sign-form [type=submit]');
    await first.shows('#sign', 'No bicycles');
  });

// SPDX-License-Identifier: MIT
// cursors.test.mjs - pointers of two windows: by mouse and by keyboard, waves, and who
// leaves.

import { CursorsPage } from './pages/cursors-page.mjs';
import { AWAY, demoWith } from './support/demo.mjs';

const demo = demoWith(['ada', 'grace']);

/** A way in steps from one corner to another. */
const way = (steps) => Array.from({ length: steps + 1 },
  (_, i) => [0.1 + 0.7 * i / steps, 0.1 + 0.15 * i / steps]);

demo.test('cursors are seen where they are', async ({ ada, grace, room }) => {
  const first = await new CursorsPage(ada).enter(room);
  const second = await new CursorsPage(grace).enter(room);
  await first.untilHere(2);
  await first.move(...way(40));
  await second.untilCursor('Ada', 80, 25);
  await second.shows('#here [data-name=Ada] .note', 'upper right');
  await first.untilCursors(0);
  await first.wave([0.8, 0.25]);
  await second.shows('#waves', 'Ada waves.');

  // By keyboard, from the middle.
  await second.browser.run(() => document.querySelector('#stage').focus());
  for (let i = 0; i < 4; i++) await second.browser.press('Shift+Left');
  await first.untilCursor('Grace', 10, 50);
  await second.browser.press('Enter');
  await first.shows('#waves', 'Grace waves.');
  await grace.leave();
  await first.untilCursors(0);
  await first.untilHere(1);
});

demo.test('cursors come back with the server',
  async ({ ada, grace, room, server }) => {
    const first = await new CursorsPage(ada).enter(room);
    const second = await new CursorsPage(grace).enter(room);
    await first.untilHere(2);
    await server.kill();
    await first.untilState('waiting', 'connecting', 'suspended');
    await server.start();
    for (const page of [first, second]) {
      await page.untilState('ready');
      await page.untilHere(2);
    }
    await first.move([0.3, 0.4]);
    await second.untilCursor('Ada', 30, 40);
  }, { complaints: AWAY });

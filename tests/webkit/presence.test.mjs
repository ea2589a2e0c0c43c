// SPDX-License-Identifier: MIT
// presence.test.mjs - the presence board: states, what people tell, automatic away,
// and questions to the server.

import { BoardPage } from './pages/board-page.mjs';
import { demoWith } from './support/demo.mjs';

const demo = demoWith(['ada', 'grace']);

demo.test('states and what people tell are seen by the others',
  async ({ ada, grace, room }) => {
    const first = await new BoardPage(ada).enter(room);
    const second = await new BoardPage(grace).enter(room);
    await first.untilIn('online', 'Grace');
    await second.choose('busy');
    await first.untilIn('busy', 'Grace');
    await second.browser.fill('#my-task', 'Counting godwits');
    await second.browser.select('#my-team', 'Marsh');
    await second.browser.fill('#my-floor', '7');
    await first.untilCard('Grace', /Counting godwits.*Marsh.*floor 7/u);
    await second.choose('lunch');
    await first.untilIn('lunch', 'Grace');
    await grace.leave();
    await first.untilGone('Grace');
  });

demo.test('who does nothing is away, and back with the first move',
  async ({ ada, grace, room }) => {
    const first = await new BoardPage(ada).enter(room);
    const second = await new BoardPage(grace).enter(room);
    await first.untilIn('online', 'Grace');
    await first.untilIn('away', 'Grace');
    await second.shows('#my-note', 'The server says that you are away.');
    await second.browser.move('#main', [[0.4, 0.1], [0.5, 0.1]]);
    await first.untilIn('online', 'Grace');
  });

demo.test('the server is asked for members, and the question is in the link',
  async ({ ada, grace, room }) => {
    const first = await new BoardPage(ada).enter(room);
    const second = await new BoardPage(grace).enter(room);
    await first.browser.fill('#my-floor', '7');
    await second.untilCard('Ada', /floor 7/u);
    await second.browser.select('#find-field', 'Floor');
    await second.browser.select('#find-is', 'is at least');
    await second.browser.fill('#find-value', '5');
    await second.browser.click('#find [type=submit]');
    await second.shows('#found > li', /Ada/u);
    await second.shows('#found-note', /1 of 2 members/u);
    await second.browser.reload();
    await second.untilState('ready');
    await second.browser.click('#find [type=submit]');
    await second.shows('#found > li', /Ada/u);
  });

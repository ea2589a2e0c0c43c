// SPDX-License-Identifier: MIT
// hidden.spec.ts - a page that is hidden, or frozen by the browser, and shown again.

import { expect, test } from '../../fixtures/test.js';

test('a hidden page is away, and back when it is shown', async ({ enter }) => {
  const ada = await enter('Ada');
  const grace = await enter('Grace');
  await grace.untilPerson('Ada', 'online');

  await ada.setHidden(true);
  await grace.untilPerson('Ada', 'away');
  await grace.send('are you there?');
  await ada.setHidden(false);
  await grace.untilPerson('Ada', 'online');
  await ada.untilTexts(['are you there?']);
  await ada.untilState('ready');
});

test('a frozen page catches up when it is thawed, over a server restart too',
  async ({ enter, server }) => {
    const ada = await enter('Ada');
    const grace = await enter('Grace');
    await ada.send('before');
    await grace.untilTexts(['before']);

    const session = await ada.page.context().newCDPSession(ada.page);
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    await grace.send('while frozen');
    await grace.untilTexts(['before', 'while frozen']);
    await session.send('Page.setWebLifecycleState', { state: 'active' });
    await ada.untilTexts(['before', 'while frozen']);
    await expect(ada.gaps).toHaveCount(0);

    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    await server.restart();
    await grace.untilState('ready');
    await grace.send('after the restart');
    await session.send('Page.setWebLifecycleState', { state: 'active' });
    await ada.untilState('ready');
    await ada.untilTexts(['before', 'while frozen', 'after the restart']);
    await expect(ada.gaps).toHaveAttribute('data-gap', 'epoch-changed');
    await grace.untilPerson('Ada', 'online');
  });

// SPDX-License-Identifier: MIT
// chat.test.mjs - two people in a room: what they say, who is there and how, and who
// comes, goes, and comes again.

import assert from 'node:assert/strict';

import { ChatPage } from './pages/chat-page.mjs';
import { demoWith } from './support/demo.mjs';
import { eventually } from './support/eventually.mjs';

const demo = demoWith(['ada', 'grace']);

demo.test('two people chat both ways', async ({ ada, grace, room }) => {
  const first = new ChatPage(ada);
  await first.join('Ada', room);
  const second = await new ChatPage(grace).enter(room);
  await first.send('Good morning', 'Is anybody there?');
  await second.untilTexts('Good morning', 'Is anybody there?');
  await second.send('Good morning, Ada 👋');
  await first.untilTexts(
    'Good morning', 'Is anybody there?', 'Good morning, Ada 👋');
  await first.untilWaiting(0);
  await first.has('#messages > .is-own', 2);
  await second.has('#messages > .is-own', 1);
  await second.shows('#messages > :not(.is-own) .message-name', 'Ada', 'Ada');
  assert.equal(await first.browser.isVisible('#empty'), false);
});

demo.test('each sees who is there, and in which state',
  async ({ ada, grace, room }) => {
    const first = await new ChatPage(ada).enter(room);
    await first.untilPerson('Ada', 'online');
    const second = await new ChatPage(grace).enter(room);
    for (const page of [first, second]) {
      await page.untilPerson('Ada', 'online');
      await page.untilPerson('Grace', 'online');
    }
    for (const [words, state] of [['Busy', 'busy'], ['Away', 'away'],
      ['Online', 'online']]) {
      await second.choose(words);
      await first.untilPerson('Grace', state);
    }
  });

demo.test('who leaves is gone at once, and comes again',
  async ({ ada, grace, room }) => {
    const first = await new ChatPage(ada).enter(room);
    const second = await new ChatPage(grace).enter(room);
    await first.untilPerson('Grace', 'online');

    // By the page's own button, by a reload, and by going elsewhere.
    await second.browser.click('#leave');
    await first.untilPerson('Grace', null);
    await second.browser.click('#join-form [type=submit]');
    await first.untilPerson('Grace', 'online');
    await second.browser.reload();
    await second.untilState('ready');
    await second.untilPerson('Grace', 'online');
    await first.shows('[data-name=Grace] .person-state', 'Online');
    await grace.leave();
    await first.untilPerson('Grace', null);
    await first.send('while Grace is away');
    await second.enter(room);
    await first.untilPerson('Grace', 'online');
    await second.untilTexts('while Grace is away');
  });

demo.test('"back" to the page that one has left, which WebKit keeps',
  async ({ ada, grace, room }) => {
    const first = await new ChatPage(ada).enter(room);
    const second = await new ChatPage(grace).enter(room);
    await second.send('before');
    await second.browser.run(() => { window.isOnce = true; });
    await second.browser.click('.top-home');
    await first.untilPerson('Grace', null);
    await first.send('meanwhile');
    await second.browser.back();
    await first.untilPerson('Grace', 'online');
    assert.ok(await second.browser.run(() => window.isOnce), 'it was loaded anew');
    await second.untilTexts('before', 'meanwhile');
    await second.send('after');
    await first.untilTexts('before', 'meanwhile', 'after');
  });

demo.test('typing is seen while it lasts', async ({ ada, grace, room }) => {
  const first = await new ChatPage(ada).enter(room);
  const second = await new ChatPage(grace).enter(room);
  await first.untilPerson('Grace', 'online');
  await second.browser.click('#compose-input');
  await second.browser.press('I am thin');
  await first.shows('#typing', 'Grace is typing');
  await second.browser.press('Enter');
  await first.untilTexts('I am thin');
  await first.shows('#typing', '');
});

demo.test('a club lets in, gives roles, and removes',
  async ({ ada, grace, room }) => {
    const first = new ChatPage(ada);
    const second = new ChatPage(grace);
    await first.enter(`club/${room}`);
    await first.has('#members-list > [data-name=Ada][data-role=owner]');
    await first.send('before anybody came');
    await second.enter(`club/${room}`);
    await second.shows('#door-title', 'You are at the door');
    assert.deepEqual(await second.texts(), []);

    await ada.browser.click('#knocks button');
    await second.untilTexts('before anybody came');
    await second.send('thank you');
    await first.untilTexts('before anybody came', 'thank you');
    await ada.browser.select('#members-list [data-name=Grace] select', 'Reader');
    await eventually(async () => assert.ok(await grace.browser.run(() =>
      document.querySelector('#compose-input').disabled)));
    await ada.browser.click('#members-list [data-name=Grace] button');
    await second.shows('#door-title', 'You are at the door');
    await first.has('#members-list > [data-name=Grace]', 0);
  });

demo.test('text is text, whatever is in it', async ({ ada, grace, room }) => {
  const first = await new ChatPage(ada).enter(room);
  const second = await new ChatPage(grace).enter(room);
  const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
  await first.send(markup);
  await second.untilTexts(markup);
  assert.equal(await second.browser.count('#messages img, #messages b'), 0);
});

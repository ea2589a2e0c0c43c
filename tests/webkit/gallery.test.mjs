// SPDX-License-Identifier: MIT
// gallery.test.mjs - every page of the gallery begins, and WebKit has nothing to say
// against any of them; the entrance leads to all, and says who is there.

import assert from 'node:assert/strict';

import { GalleryPage } from './pages/gallery-page.mjs';
import { Page } from './pages/page.mjs';
import { AWAY, demoWith } from './support/demo.mjs';
import { eventually } from './support/eventually.mjs';

/** The pages, by their paths; the entrance first. */
const PIECES = ['', 'chat/', 'presence/', 'cursors/', 'gate/', 'console/'];

const demo = demoWith(['ada', 'grace']);

/** What of a page does not load, which WebKit does not tell the console. */
const failedLoads = (browser) => browser.run(async () => {
  const urls = performance.getEntriesByType('resource').map(({ name }) => name);
  const failed = [];
  for (const url of urls.filter((each) => each.startsWith('http'))) {
    const { status } = await fetch(url);
    if (status !== 200) failed.push(`${status} ${new URL(url).pathname}`);
  }
  if (!urls.length) failed.push('nothing was loaded');
  return failed;
});

for (const path of PIECES) {
  // That the console stays clean, each case demands.
  demo.test(`/${path} begins without a complaint`, async ({ ada, room }) => {
    await ada.go(`${path}#${room}`);
    await eventually(async () =>
      assert.equal(await ada.browser.count('[data-kind=good]'), 1));
    assert.equal(await ada.browser.count('.broken'), 0);
    assert.deepEqual(await failedLoads(ada.browser), []);
  });
}

demo.test('what is wrong with a page is seen', async ({ ada, room }) => {
  await new Page({ person: ada, path: 'gate/' }).enter(room);
  const { browser } = ada;
  await browser.run(() => {
    setTimeout(() => { throw new Error('thrown'); }, 0);
    Promise.reject(new Error('rejected'));
    console.error('told');
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
    const picture = document.createElement('img');
    picture.src = '/no-such-picture.png';
    document.body.append(picture);
    return new Promise((resolve) => { picture.onerror = () => resolve(); });
  });
  assert.equal(await browser.run(() => 'ran' in window), false);
  const told = await browser.complaints();
  for (const words of ['thrown', 'rejected', 'told', 'Content Security Policy']) {
    assert.equal(told.filter((line) => line.includes(words)).length, 1,
      `${words} in:\n${told.join('\n')}`);
  }
  await eventually(async () => assert.deepEqual(await failedLoads(browser),
    ['404 /no-such-picture.png']));
});

demo.test('the cards say who is there, and lead there',
  async ({ ada, grace, room }) => {
    const entrance = await new GalleryPage(ada).enter();
    await entrance.untilHere('cursors', '');
    await new Page({ person: grace, path: 'cursors/' }).enter(room);
    await entrance.untilHere('cursors', '1 person there now');
    await grace.leave();
    await entrance.untilHere('cursors', '');
    for (const piece of PIECES.filter(Boolean)) {
      await entrance.follow(piece.replace('/', ''));
      await eventually(async () => assert.match(
        await ada.browser.run(() => location.pathname),
        new RegExp(`/${piece}$`, 'u')));
      await ada.browser.back();
      await entrance.untilLive(/^Connected/u);
    }
  });

demo.test('the entrance says when the server is away', async ({ ada, server }) => {
  const entrance = await new GalleryPage(ada).enter();
  await server.kill();
  await entrance.untilLive(/^(Connection lost|Connecting)/u);
  await server.start();
  await entrance.untilLive(/^Connected/u);
}, { complaints: AWAY });

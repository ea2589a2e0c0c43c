// SPDX-License-Identifier: MIT
// blocked.spec.ts - no WebSocket comes about: by the network, or by a policy of the
// page. The page says so and goes on trying.

import type { Page } from '@playwright/test';

import { Link } from '../../fixtures/link.js';
import { expect, test } from '../../fixtures/test.js';

/** The attempts that the page counts, its first one aside. */
const attempts = (page: Page): Promise<number> => page.evaluate(() =>
  (globalThis as unknown as { godwit: { client: { info: { attempt: number } } } })
    .godwit.client.info.attempt);

const untilAttempts = (page: Page, count: number): Promise<void> =>
  expect.poll(() => attempts(page)).toBeGreaterThanOrEqual(count);

test('a network without WebSockets: told, tried again, and used when it is there',
  async ({ enter, visit, room }) => {
    let link: Link | undefined;
    const join = await visit({
      query: 'retry=aggressive',
      prepare: async (page) => {
        link = await Link.of(page);
        link.block(true);
      },
    });
    const ada = await join.enter('Ada', room);
    await ada.send('written while blocked');
    await untilAttempts(ada.page, 3);
    await expect(ada.status.words).toHaveText(/Connection lost|Connecting/);
    await expect(ada.status.reason).toHaveText(': the server cannot be reached');
    await expect(ada.status.retry).toHaveText(/next attempt in|trying now/);
    await expect(ada.waiting).toHaveCount(1);

    link!.block(false);
    await ada.untilState('ready');
    await expect(ada.status.reason).toBeEmpty();
    await ada.untilTexts(['written while blocked']);
    await (await enter('Grace')).untilTexts(['written while blocked']);
  });

test('a policy without WebSockets: the page says that it is the policy',
  async ({ visit, room, server }) => {
    const join = await visit({
      query: 'retry=aggressive',
      complaints: /Content.Security.Policy/i,
      // On top of the server's: the SDK may be loaded, and nothing else.
      prepare: (page) => page.addInitScript((source) => {
        document.addEventListener('DOMContentLoaded', () => {
          const meta = document.createElement('meta');
          meta.httpEquiv = 'Content-Security-Policy';
          meta.content = `connect-src ${source}`;
          document.head.append(meta);
        });
      }, `${server.url}/sdk/`),
    });
    const ada = await join.enter('Ada', room);
    await ada.send('written while blocked');
    await untilAttempts(ada.page, 3);
    await expect(ada.status.reason)
      .toHaveText(': the policy of this page forbids the connection');
    await expect(ada.status.retry).toHaveText(/next attempt in|trying now/);
    await expect(ada.waiting).toHaveCount(1);
  });

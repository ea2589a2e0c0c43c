// SPDX-License-Identifier: MIT
// terminal.spec.ts - the command line takes part in the conversation of browsers.

import { expect, test } from '../../fixtures/test.js';

test('a terminal publishes, subscribes and sees who is there',
  async ({ enter, room, terminal }) => {
    const channel = `room:${room}`;
    const ada = await enter('Ada');
    await ada.ownState.selectOption('busy');
    await terminal.publish(channel, { text: 'hi from a terminal' });
    await ada.untilTexts(['hi from a terminal']);
    await expect(ada.messages.first()).not.toContainClass('is-own');

    const subscriber = terminal.subscribe(channel);
    // The subscriber is there when a message gets through to it.
    await expect(async () => {
      await ada.send('are you listening?');
      await expect.poll(() => subscriber.lines().join('\n'), { timeout: 500 })
        .toContain('are you listening?');
    }).toPass();

    await expect.poll(() => terminal.presence(channel)).toMatch(/Ada.*busy|busy.*Ada/s);
    expect(await terminal.presence(channel)).not.toContain('Grace');
  });

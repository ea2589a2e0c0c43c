// SPDX-License-Identifier: MIT
// page.mjs - what only pages and workers have: events of network and visibility.

import { equal, ok, until } from '../support/check.mjs';
import { Type } from '../support/wire.mjs';

const tell = (target, event) => target.dispatchEvent(new Event(event));

export const cases = [
  {
    name: 'page: going offline is doubted while connected, and believed while not',
    async run(t) {
      const client = await t.connected({
        retry: { baseMs: 60_000, capMs: 60_000, jitter: 0 },
      });
      const pings = () => t.server.framesOf(Type.PING).length;
      const before = pings();
      tell(globalThis, 'offline');
      equal(client.state, 'ready');
      await until(() => pings() === before + 1, 'a probe');
      t.server.cut();
      await until(() => client.state === 'suspended' || client.state === 'waiting');
      tell(globalThis, 'online');
      await client.ready();
      equal(t.server.framesOf(Type.HELLO).length, 2);
    },
  },
  {
    name: 'page: being shown again cuts a long wait short',
    async run(t) {
      const client = await t.connected({
        retry: { baseMs: 60_000, capMs: 60_000, jitter: 0 },
      });
      t.server.cut();
      equal(client.state, 'waiting');
      ok(client.info.retryAt > Date.now() + 30_000, 'a long wait');
      tell(globalThis, 'pageshow');
      await client.ready();
    },
  },
  {
    name: 'page: a silent link is probed when the page is shown',
    async run(t) {
      const client = await t.connected();
      const pings = () => t.server.framesOf(Type.PING).length;
      const before = pings();
      await new Promise((resolve) => setTimeout(resolve, 1700));
      tell(globalThis, 'pageshow');
      await until(() => pings() === before + 1, 'a probe');
      client.close();
    },
  },
  {
    name: 'page: a closed client listens no more',
    async run(t) {
      const client = await t.connected();
      client.close();
      await until(() => client.state === 'closed');
      tell(globalThis, 'online');
      tell(globalThis, 'offline');
      equal(client.state, 'closed');
    },
  },
  {
    name: 'page: code made of strings is forbidden, and nobody needs it',
    async run() {
      let allowed = true;
      try {
        new Function('')();
      } catch {
        allowed = false;
      }
      equal(allowed, false);
    },
  },
  {
    name: 'page: whether WebAssembly may be used is told',
    async run(t) {
      if (!t.isPlain) equal(t.isWasmUsable(), true);
    },
  },
];

// SPDX-License-Identifier: MIT
// ledger.mjs - the books of a channel: what was sent is what was acknowledged,
// refused or left without an answer; what was acknowledged is what each reader was
// given, once and in order, or was told to be missing.

import assert from "node:assert/strict";

/** What `subscribe --json` told: all in order, each offset of an epoch delivered
 * once or within a gap. Returns the values, and how many were missed. */
export function reconcile(lines) {
  const values = [];
  let epoch = null, last = 0, missed = 0;
  for (const line of lines.map((l) => JSON.parse(l))) {
    if (line.type === "gap") {
      if (line.to) {
        assert.equal(line.from, last + 1, "where the gap begins");
        missed += line.to - line.from + 1;
        last = line.to;
      } else {
        epoch = null;
      }
      continue;
    }
    if (epoch === null) last = line.offset - 1;
    epoch ??= line.epoch;
    assert.equal(line.epoch, epoch, "an epoch that changed without a word");
    assert.equal(line.offset, last + 1, "an offset out of order");
    last = line.offset;
    values.push(line.json);
  }
  return { values, missed };
}

/** A reader of a ledger. */
class Reader {
  /** Offsets to values. */
  delivered = new Map();
  missed = 0;
  /** Pushes that are neither publications nor gaps. */
  others = [];
  last;
  fault = null;

  constructor(client, last) {
    this.last = last;
    this.#follow(client).catch((error) => (this.fault = error));
  }

  async #follow(client) {
    for (;;) {
      const push = await client.pushes.next(0x7fffffff).catch(() => null);
      if (!push) return; /* its connection ended */
      if (push.publication) this.#take(push.publication);
      else if (push.lagged) this.#miss(push.lagged);
      else this.others.push(push);
    }
  }

  #take({ offset, json }) {
    assert.equal(Number(offset), this.last + 1, "an offset out of order");
    this.last = Number(offset);
    this.delivered.set(this.last, JSON.parse(json));
  }

  #miss({ from, to }) {
    assert.equal(Number(from), this.last + 1, "where the gap begins");
    this.missed += Number(to) - Number(from) + 1;
    this.last = Number(to);
  }
}

export class Ledger {
  sent = 0;
  refused = 0;
  unanswered = 0;
  /** Offsets to values. */
  acked = new Map();
  readers = [];
  #channel;

  constructor(channel) {
    this.#channel = channel;
  }

  /** Subscribes a client, whose pushes are the ledger's from now on. */
  async read(client, options) {
    const { offset = 0 } = await client.subscribe(this.#channel, options);
    const reader = new Reader(client, Number(offset));
    this.readers.push(reader);
    return reader;
  }

  /** Publishes num values, one after the other. */
  async publish(client, num = 1) {
    for (let i = 0; i < num; i++) {
      const value = ++this.sent;
      const answer = await client.request({ publish:
        { channel: this.#channel, json: JSON.stringify(value) } })
        .catch(() => null);
      if (!answer) this.unanswered++;
      else if (answer.error) this.refused++;
      else this.#acknowledge(Number(answer.published.offset), value);
    }
  }

  #acknowledge(offset, value) {
    assert.ok(!this.acked.has(offset), `offset ${offset} was given twice`);
    this.acked.set(offset, value);
  }

  /** Waits until the readers have all that was acknowledged, and casts up the
   * accounts. Returns the sums; delivered and missed are of all readers. */
  async settle(ms = 15000) {
    const newest = Math.max(0, ...this.acked.keys());
    const deadline = Date.now() + ms;
    const isOpen = (r) => r.last < newest && !r.fault;
    while (this.readers.some(isOpen) && Date.now() < deadline)
      await new Promise((r) => setTimeout(r, 10));
    assert.equal(this.sent, this.acked.size + this.refused + this.unanswered);
    for (const reader of this.readers) this.#check(reader, newest);
    const sum = (of) => this.readers.reduce((n, r) => n + of(r), 0);
    return {
      sent: this.sent, acked: this.acked.size, refused: this.refused,
      unanswered: this.unanswered, delivered: sum((r) => r.delivered.size),
      missed: sum((r) => r.missed),
    };
  }

  #check(reader, newest) {
    if (reader.fault) throw reader.fault;
    assert.ok(reader.last >= newest,
      `a reader is at ${reader.last} and not at ${newest}`);
    let more = 0;
    for (const [offset, value] of reader.delivered)
      if (this.acked.has(offset)) assert.equal(value, this.acked.get(offset));
      else more++;
    assert.ok(more <= this.unanswered, `${more} that nobody sent`);
  }
}

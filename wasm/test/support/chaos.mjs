// SPDX-License-Identifier: MIT
// chaos.mjs - clients that do anything at any time, also from inside of their
// handlers, and what has to hold whatever they do. What they do is drawn from a
// seed; when it meets what the server does is not.

const CHANNELS = ['room:a', 'room:b', 'room:c'];
const NUM_CLIENTS = 4;
const MAX_SUBSCRIPTIONS = 8;
/** Handlers that act call handlers that act. */
const MAX_DEPTH = 3;
const HEAL_MS = 40_000;
/** What handlers throw; it is reported, and stops nothing. */
const ON_PURPOSE = 'thrown on purpose';
/** What a call may be refused with by a client that is closed, freed or full. */
const REFUSALS = ['OUTBOX_FULL', 'CLOSED', 'CONNECTION_LOST', 'LIMIT_REACHED'];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Numbers below one (xorshift, Marsaglia 2003). */
function dice(seed) {
  let x = Math.imul(seed, 2654435761) >>> 0 || 1;
  return () => {
    x = (x ^ x << 13) >>> 0;
    x ^= x >>> 17;
    x = (x ^ x << 5) >>> 0;
    return x / 2 ** 32;
  };
}

const listOf = (members) =>
  [...members].map(({ clientId, state }) => `${clientId} ${state}`).sort().join();

/** A subscription, and what its handlers were told. */
class Reader {
  isEnded = false;
  #last = null;
  #members;

  constructor(chaos, owner, channel) {
    this.chaos = chaos;
    this.owner = owner;
    this.channel = channel;
    this.subscription = owner.client.subscribe(channel, {
      ...chaos.isLite ? {} : { presence: true },
      ...chaos.draws(0.2) && { since: 'oldest' },
      ...chaos.draws(0.2) && { overflow: chaos.pick(['close', 'drop', 'sample']) },
    });
    /* Of a channel that another one has they are there already. */
    this.#members = new Map(this.listed.map((m) => [m.clientId, m]));
    for (const event of ['publication', 'gap', 'presence', 'members', 'state']) {
      this.subscription.on(event, (what) => this.#told(event, what));
    }
  }

  get listed() {
    return [...this.subscription.members?.values() ?? []];
  }

  get told() {
    return [...this.#members.values()];
  }

  end() {
    this.isEnded = true;
    this.owner.readers.delete(this);
    this.subscription.unsubscribe();
  }

  #told(event, what) {
    const { chaos, owner } = this;
    chaos.numTold++;
    if (what.to !== 'ended' && (this.isEnded || owner.isFreed)) {
      chaos.fails(`${event} in ${this.channel} after the end`);
    }
    if (event === 'publication') this.#advance();
    if (event === 'gap') this.#last = what.position;
    if (event === 'presence') this.#change(what);
    if (chaos.draws(0.04)) chaos.act(owner);
    if (chaos.draws(0.01)) throw new Error(ON_PURPOSE);
  }

  #advance() {
    const { position } = this.subscription;
    const last = this.#last;
    if (last?.epoch === position.epoch && position.offset <= last.offset) {
      this.chaos.fails(
        `${this.channel}: ${position.offset} after ${last.offset}`);
    }
    this.#last = position;
  }

  #change({ kind, member }) {
    const isThere = this.#members.has(member.clientId);
    if (isThere === (kind === 'enter')) {
      this.chaos.fails(`${this.channel}: ${kind} of who is ` +
        `${isThere ? '' : 'not '}there`);
    }
    if (kind === 'leave') this.#members.delete(member.clientId);
    else this.#members.set(member.clientId, member);
  }
}

export class Chaos {
  /** In words; each is a fault. */
  failures = new Set();
  /** How much was done, for who wants to know that something was. */
  numPromises = 0;
  numTold = 0;
  #owners = [];
  #open = new Map();
  #sockets = new Set();
  #depth = 0;
  #isOver = false;
  #random;

  /** server: RealServer, which is killed now and then. */
  constructor(godwit, { isLite, server, WebSocket, seed }) {
    const sockets = this.#sockets;
    Object.assign(this, { godwit, isLite, server });
    this.#random = dice(seed);
    this.WebSocket = class extends WebSocket {
      constructor(...args) {
        super(...args);
        sockets.add(this);
        this.addEventListener('close', () => sockets.delete(this));
      }
    };
    for (let n = 0; n < NUM_CLIENTS; n++) this.#begin();
  }

  draws(probability) {
    return this.#random() < probability;
  }

  pick(list) {
    return list[Math.floor(this.#random() * list.length)];
  }

  fails(what) {
    this.failures.add(what);
  }

  async run(seconds) {
    const until = Date.now() + 1000 * seconds;
    while (Date.now() < until) {
      for (let n = 0; n < 5; n++) this.act(this.pick(this.#alive()));
      if (this.draws(0.02)) this.pick([...this.#sockets])?.terminate();
      if (this.draws(0.002)) await this.#restart();
      await sleep(10 * this.#random());
    }
  }

  /** All that was begun ends, and all see the same. */
  async heal() {
    this.#isOver = true;
    const readers = this.#alive().flatMap((owner) => [...owner.readers]);
    for (const { client } of this.#alive()) client.connect();
    for (const end = Date.now() + HEAL_MS; !this.#isCalm(readers);) {
      if (Date.now() > end) return this.fails(this.#unrest(readers));
      await sleep(50);
    }
    await sleep(1500); /* what is told in the end */
    for (const channel of CHANNELS) {
      this.#compare(readers.filter((reader) => reader.channel === channel));
    }
    for (const owner of this.#alive()) this.#free(owner);
  }

  /** Anything, by one client. */
  act(owner) {
    if (this.#isOver || this.#depth > MAX_DEPTH || owner.isFreed) return;
    this.#depth++;
    try {
      this.pick(this.isLite ? LITE_ACTS : ACTS)(this, owner);
    } catch (error) {
      if (!REFUSALS.includes(error.name)) this.fails(error.stack);
    }
    this.#depth--;
  }

  /** A promise that has to settle, with a value or an error of ours. */
  expect(what, promise) {
    const number = this.numPromises++;
    this.#open.set(number, what);
    promise
      .catch((error) => {
        if (!(error instanceof this.godwit.GodwitError)) {
          this.fails(`${what}: ${error}`);
        }
      })
      .finally(() => this.#open.delete(number));
  }

  /** Somebody, who may be gone. */
  peer() {
    return this.pick(this.#owners).client.info.clientId ?? '0';
  }

  replace(owner) {
    if (!this.draws(0.1)) return;
    this.#free(owner);
    this.#begin();
  }

  #begin() {
    const owner = { readers: new Set(), isFreed: false };
    const client = new this.godwit.Client(this.server.url, {
      WebSocket: this.WebSocket, retry: 'aggressive',
    });
    owner.client = client;
    this.#owners.push(owner);
    client.on('error', (error) => {
      if (error.message !== ON_PURPOSE) this.fails(`error: ${error}`);
    });
    client.on('state', ({ to }) => {
      this.numTold++;
      if (owner.isFreed && to !== 'closed') this.fails(`${to} after free()`);
      if (this.draws(0.1)) this.act(owner);
    });
    client.handle('greet', () => {
      if (this.draws(0.2)) this.act(owner);
      return { hello: 1 };
    });
    client.connect();
  }

  #alive() {
    return this.#owners.filter((owner) => !owner.isFreed);
  }

  #free(owner) {
    owner.isFreed = true;
    for (const reader of owner.readers) reader.isEnded = true;
    owner.readers.clear();
    owner.client.free();
  }

  async #restart() {
    await this.server.kill();
    await sleep(500 * this.#random());
    await this.server.start();
  }

  #isCalm(readers) {
    return this.#open.size === 0 &&
      this.#alive().every(({ client }) => client.state === 'ready') &&
      readers.every((r) => r.isEnded || r.subscription.state === 'live');
  }

  #unrest(readers) {
    const states = this.#alive().map(({ client }) => client.state);
    const subs = readers.map((r) => r.subscription.state);
    return `left open: ${[...this.#open.values()]}; ${states}; ${subs}`;
  }

  #compare(readers) {
    const seen = readers.filter((reader) => !reader.isEnded).map((reader) => {
      const listed = listOf(reader.listed);
      const told = listOf(reader.told);
      if (told !== listed) this.fails(`told ${told}, listed ${listed}`);
      return `${JSON.stringify(reader.subscription.position)} ${listed}`;
    });
    if (new Set(seen).size > 1) this.fails(`they see ${seen.join(' and ')}`);
  }
}

// ---- what clients do ---------------------------------------------------------

const publish = (chaos, { client }) => {
  const options = chaos.pick([{}, {}, { echo: false }, { atMostOnce: true }]);
  chaos.expect('publish', client.publish(
    chaos.pick(CHANNELS), 'z'.repeat(3000 * chaos.draws(0.2)), options));
};

const subscribe = (chaos, owner) => {
  if (owner.readers.size >= MAX_SUBSCRIPTIONS) return;
  owner.readers.add(new Reader(chaos, owner, chaos.pick(CHANNELS)));
};

const unsubscribe = (chaos, { readers }) =>
  readers.size > 0 && chaos.pick([...readers]).end();

const enter = (chaos, { readers }) => readers.size > 0 &&
  chaos.pick([...readers]).subscription
    .enter(chaos.pick(['online', 'busy']), chaos.pick([undefined, { mood: 1 }]));

const leave = (chaos, { readers }) =>
  readers.size > 0 && chaos.pick([...readers]).subscription.leave();

const call = (chaos, { client }) => chaos.expect(
  'call', client.call('greet', 1, { timeoutMs: 800, to: chaos.peer() }));

const members = (chaos, { client }) =>
  chaos.expect('members', client.members(chaos.pick(CHANNELS)));

const ready = (chaos, { client }) => chaos.expect('ready', client.ready());

const close = (chaos, owner) => {
  owner.client.close();
  if (chaos.draws(0.8)) owner.client.connect();
  else setTimeout(() => owner.isFreed || owner.client.connect(), 100);
};

const connect = (chaos, { client }) => client.connect();

const replace = (chaos, owner) => chaos.replace(owner);

/** As often as they stand here. */
const LITE_ACTS = [
  publish, publish, publish, publish, publish, publish, subscribe, subscribe,
  unsubscribe, call, call, ready, close, connect, replace,
];
const ACTS = [...LITE_ACTS, enter, enter, enter, leave, members];

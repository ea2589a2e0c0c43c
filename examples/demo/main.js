// main.js - puts the page together: the join screen, one client, the room that
// the URL's hash names, and the views around it.
//
// For the console and for tests there is `godwit`: the client and the room.

import { Composer } from './composer.js';
import { DetailsView, factsOf } from './details-view.js';
import { byId, setText } from './dom.js';
import { Join } from './join.js';
import { LogView } from './log-view.js';
import { Me } from './me.js';
import { PeopleView } from './people-view.js';
import { Room, why } from './room.js';
import { StatusView } from './status-view.js';
import { cleanName, cleanRoom } from './text.js';

const NAME_KEY = 'godwit-demo-name';
const OWN_KEY = 'godwit-demo-clients';
/** Client ids of this tab's earlier lives: their messages are one's own. */
const OWN_MAX = 50;
/** Redraws of what is not a live region wait for each other this long. */
const REFRESH_MS = 100;

const roomOfUrl = () => {
  try {
    return cleanRoom(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return ''; // a stray % in the hash
  }
};

class Demo {
  client = null;
  room = null;
  #user = '';
  #own = new Set(JSON.parse(sessionStorage.getItem(OWN_KEY) ?? '[]'));
  #refreshTimer = 0;

  constructor(Client) {
    this.Client = Client;
    this.me = new Me(() => this.#onMe());
    this.log = new LogView();
    this.people = new PeopleView();
    this.status = new StatusView(() => this.client.connect());
    this.details = new DetailsView(() => this.#switch(), () =>
      factsOf(this.client.info, this.room.position));
    this.join = new Join((name, room) => this.#start(name, room));
    this.composer = new Composer((text) => this.#send(text),
      (typing) => this.me.setTyping(typing));
    this.#wireControls();

    const name = cleanName(sessionStorage.getItem(NAME_KEY));
    if (name && roomOfUrl()) this.#start(name, roomOfUrl());
    else this.join.show(name, roomOfUrl() || 'lobby');
  }

  #wireControls() {
    window.addEventListener('hashchange', () => {
      if (this.client && roomOfUrl()) this.#enter(roomOfUrl());
      else if (!this.client) this.join.show(this.#user, roomOfUrl() || 'lobby');
    });
    byId('own-state').addEventListener('change', (event) =>
      this.me.choose(event.target.value));
    byId('leave').addEventListener('click', () => this.#stop());
    byId('people-toggle').addEventListener('click', (event) => {
      const open = byId('app').classList.toggle('shows-people');
      event.currentTarget.setAttribute('aria-expanded', String(open));
    });
    // The hash is the room's, so the skip link must not change it.
    byId('skip-link').addEventListener('click', (event) => {
      event.preventDefault();
      this.composer.focus();
    });
    window.addEventListener('beforeunload', (event) => {
      if (this.client && this.#numWaiting()) event.preventDefault();
    });
    // A page that is closed leaves at once, not after the grace time of a lost
    // connection. One that the browser kept for "back" returns.
    window.addEventListener('pagehide', () => this.client?.close());
    window.addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.client?.connect();
    });
    // Without a secure context there is no clipboard to write to.
    byId('copy-link').hidden = !navigator.clipboard;
    byId('copy-link').addEventListener('click', async () => {
      await navigator.clipboard.writeText(location.href);
      setText(byId('copy-done'), 'Copied');
    });
  }

  #start(name, room) {
    sessionStorage.setItem(NAME_KEY, name);
    this.#user = name;
    const retry = new URLSearchParams(location.search).get('retry');
    this.client = new this.Client(
      `${location.origin.replace(/^http/u, 'ws')}/v1/ws`,
      { user: name, retry: retry ?? 'default' });
    const { client } = this;
    client.on('state', (change) => this.#onState(change));
    client.on('rtt', () => this.#refreshSoon());
    client.on('error', (error) => this.details.add('error', String(error)));
    this.join.hide();
    byId('app').hidden = false;
    this.#enter(room);
    client.connect();
    this.refresh();
    this.composer.focus();
  }

  #enter(name) {
    if (this.room?.name === name) return;
    this.room?.leave();
    this.log.clear();
    this.people.clear();
    this.room = new Room({ client: this.client, name, user: this.#user,
      me: this.me, views: this, isOwn: (id) => this.#own.has(id) });
    for (const event of ['publication', 'gap', 'state', 'members']) {
      this.room.on(event, () => this.#refreshSoon());
    }
    if (roomOfUrl() !== name) location.hash = name;
    setText(byId('room-name'), name);
    setText(byId('room-link'), location.href);
    document.title = `#${name} – Godwit`;
  }

  #stop() {
    if (this.#numWaiting() && !confirm('Messages are still waiting for the connection. ' +
      'Leave without them?')) return;
    this.room.leave();
    this.client.close();
    this.room = null;
    this.client = null;
    byId('app').hidden = true;
    document.title = 'Godwit';
    this.join.show(this.#user, roomOfUrl());
  }

  #send(text) {
    this.room.send(text);
    this.refresh();
  }

  #switch() {
    if (this.client.state === 'closed') this.client.connect();
    else this.client.close();
  }

  #onMe() {
    byId('own-state-mark').dataset.presence = this.me.state;
    this.room?.tellPresence();
  }

  #onState({ from, to, reason, attempt }) {
    if (!this.client) return; // the farewell of a client that was left
    this.details.add('state', `${from} to ${to}${why(reason)}` +
      (attempt ? `, attempt ${attempt}` : ''));
    this.#rememberOwn();
    this.log.setBusy(to === 'syncing');
    if (to === 'connecting') this.room.release();
    this.details.setSwitch(to === 'closed');
    this.refresh();
  }

  /** Messages that the server has not taken. */
  #numWaiting() {
    return this.client.info.outbox.count + this.room.numHeld;
  }

  #rememberOwn() {
    const { clientId } = this.client.info;
    if (!clientId || this.#own.has(clientId)) return;
    this.#own.add(clientId);
    sessionStorage.setItem(OWN_KEY,
      JSON.stringify([...this.#own].slice(-OWN_MAX)));
    this.room?.showPeopleSoon();
  }

  refresh() {
    if (!this.client) return;
    const { info } = this.client;
    this.status.show(info, this.room.position, this.#numWaiting());
    this.people.setStale(
      !['syncing', 'ready', 'degraded'].includes(info.state));
    this.details.refresh();
  }

  #refreshSoon() {
    this.#refreshTimer ||= setTimeout(() => {
      this.#refreshTimer = 0;
      this.refresh();
    }, REFRESH_MS);
  }
}

let sdk;
try {
  sdk = await import('/sdk/index.js');
} catch (error) {
  byId('broken').hidden = false;
  setText(byId('broken-text'), `The SDK did not load (${error.message}). ` +
    'Build it with "make wasm" and load this page again.');
}
if (sdk) globalThis.godwit = new Demo(sdk.Client);

// main.js - puts the page together: the join screen, one client, the room or club
// that the URL's hash names, and the views around it.
//
// For the console and for tests there is `godwit`: the client and the room.

import { Directory } from '../common/directory.js';
import { byId, setText } from '../common/dom.js';
import { tellName, toldName } from '../common/person.js';
import { loadSdk, serverUrl } from '../common/sdk.js';
import { StatusView } from '../common/status-view.js';
import { count, positionText } from '../common/text.js';
import { Club } from './club.js';
import { ClubView } from './club-view.js';
import { Composer } from './composer.js';
import { DetailsView, factsOf } from './details-view.js';
import { Join } from './join.js';
import { LogView } from './log-view.js';
import { Me } from './me.js';
import { PeopleView } from './people-view.js';
import { Room, why } from './room.js';
import { RoomsView } from './rooms-view.js';
import { channelOf, hashOf, isSame, placeOfUrl } from './whereabouts.js';

const OWN_KEY = 'godwit-demo-clients';
/** Client ids of this tab's earlier lives: their messages are one's own. */
const OWN_MAX = 50;
/** Redraws of what is not a live region wait for each other this long. */
const REFRESH_MS = 250;
/** A right that was just given may not have come to all of the server. */
const LOOK_MS = 200;

const MAY_READ = 'You may read here, and not write';

const placeOrLobby = () => {
  const place = placeOfUrl();
  return place.name ? place : { kind: 'room', name: 'lobby' };
};

class Chat {
  client = null;
  /** Null at the door of a club. */
  room = null;
  #place = null;
  /** Null in an open room. */
  #club = null;
  #since = 'start';
  #user = '';
  #directory = null;
  #own = new Set(JSON.parse(sessionStorage.getItem(OWN_KEY) ?? '[]'));
  #refreshTimer = 0;

  constructor(sdk) {
    this.sdk = sdk;
    this.me = new Me(() => this.#onMe());
    this.log = new LogView();
    this.people = new PeopleView();
    this.rooms = new RoomsView();
    this.clubView = new ClubView();
    this.status = new StatusView(() => this.client.connect(),
      byId('compose-input'));
    this.details = new DetailsView(() => this.#switch(), () =>
      factsOf(this.client.info, this.room?.position));
    this.join = new Join((name, place) => this.#start(name, place));
    this.composer = new Composer((text) => this.#send(text),
      (typing) => this.me.setTyping(typing));
    this.#wireControls();

    if (toldName() && placeOfUrl().name) this.#start(toldName(), placeOfUrl());
    else this.join.show(toldName(), placeOrLobby());
  }

  #wireControls() {
    window.addEventListener('hashchange', () => {
      if (this.client && placeOfUrl().name) this.#enter(placeOfUrl());
      else if (!this.client) this.join.show(this.#user, placeOrLobby());
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

  #start(name, place) {
    tellName(name);
    this.#user = name;
    const retry = new URLSearchParams(location.search).get('retry');
    this.client = new this.sdk.Client(serverUrl(),
      { user: name, retry: retry ?? 'default' });
    const { client } = this;
    client.on('state', (change) => this.#onState(change));
    client.on('rtt', () => this.#refreshSoon());
    client.on('error', (error) => this.details.add('error', String(error)));
    this.#directory = new Directory(client,
      (places) => this.rooms.take(places));
    this.join.hide();
    byId('app').hidden = false;
    this.#enter(place);
    client.connect();
    this.refresh();
    this.composer.focus();
  }

  #enter(place) {
    if (this.#place && isSame(this.#place, place)) return;
    this.#leavePlace();
    this.log.clear();
    this.people.clear();
    this.#place = place;
    this.#since = 'start';
    if (!isSame(placeOfUrl(), place)) location.hash = hashOf(place);
    const isClub = place.kind === 'club';
    setText(byId('room-kind'), isClub ? 'club ' : '#');
    setText(byId('room-name'), place.name);
    setText(byId('room-link'), location.href);
    document.title = `${isClub ? 'Club ' : '#'}${place.name} – Godwit`;
    this.rooms.enter(place);
    this.#directory.tell({ piece: 'chat', kind: place.kind, room: place.name });
    if (isClub) this.#club = this.#makeClub(place.name);
    else this.#openRoom();
    this.#onClub();
  }

  #makeClub(name) {
    return new Club({ client: this.client, name, user: this.#user,
      groups: new this.sdk.Groups(this.client),
      onChange: () => this.#onClub(),
      onNotice: (text) => this.log.addNotice(text) });
  }

  /** What one may is different: the room is there while one is inside. */
  #onClub() {
    const club = this.#club;
    const isInside = !club || club.state === 'inside';
    if (isInside && !this.room) this.#openRoom();
    if (!isInside && this.room) this.#leaveRoom();
    this.composer.setMay(!club || club.mayPublish, MAY_READ);
    this.clubView.show(club, this.#user);
    this.refresh();
  }

  #openRoom() {
    const room = new Room({ client: this.client, since: this.#since,
      channel: channelOf(this.#place), user: this.#user, me: this.me,
      views: this, isOwn: (id) => this.#own.has(id) });
    this.room = room;
    for (const event of ['publication', 'gap', 'state', 'members']) {
      room.on(event, () => this.#refreshSoon());
    }
    room.on('state', ({ to, reason }) => {
      if (to === 'ended' && room === this.room) this.#onRoomEnded(reason);
    });
  }

  /** The server took a right away, or it has forgotten the club. */
  #onRoomEnded(reason) {
    const club = this.#club;
    if (club) {
      this.#leaveRoom();
      setTimeout(() => club.look(), LOOK_MS);
    } else {
      this.log.addNotice(`This room is closed to you: ${reason.message}`);
    }
  }

  /** Coming back goes on from here. */
  #leaveRoom() {
    this.#since = this.room.position ?? 'start';
    this.room.leave();
    this.room = null;
    this.people.clear();
  }

  #leavePlace() {
    this.room?.leave();
    this.#club?.leave();
    this.room = null;
    this.#club = null;
    this.#place = null;
  }

  #stop() {
    if (this.#numWaiting() && !confirm('Messages are still waiting for the connection. ' +
      'Leave without them?')) return;
    this.#leavePlace();
    this.client.close();
    this.client = null;
    byId('app').hidden = true;
    document.title = 'Chat – Godwit';
    this.join.show(this.#user, placeOfUrl());
  }

  #send(text) {
    this.room?.send(text);
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
    if (to === 'connecting') this.room?.release();
    if (to === 'ready') this.#club?.look();
    this.details.setSwitch(to === 'closed');
    this.refresh();
  }

  /** Messages that the server has not taken. */
  #numWaiting() {
    return this.client.info.outbox.count + (this.room?.numHeld ?? 0);
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
    const waiting = this.#numWaiting();
    this.status.show(info, { position: positionText(this.room?.position),
      outbox: count(waiting) });
    byId('status-outbox-item').classList.toggle('is-filled', waiting > 0);
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

const sdk = await loadSdk('index', 'groups');
if (sdk) globalThis.godwit = new Chat(sdk);

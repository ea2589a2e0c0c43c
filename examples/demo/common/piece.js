// piece.js - a small piece of the gallery: one client, the room that the URL's
// hash names, and the frame around it. What happens in a room is the piece's own.
//
// For the console and for tests there is `godwit`: the client and the room.

import { Directory } from './directory.js';
import { byId } from './dom.js';
import { Frame } from './frame.js';
import { ownName, tellName } from './person.js';
import { DEFAULT_ROOM, hashOf, readPlace } from './place.js';
import { loadSdk, serverUrl } from './sdk.js';
import { StatusView } from './status-view.js';
import { cleanName, cleanRoom } from './text.js';

/** Redraws of measures wait for each other this long. */
const REFRESH_MS = 100;

class Piece {
  client = null;
  room = '';
  #options;
  #sdk;
  #user = ownName();
  #leave = null;
  #directory = null;
  #refreshTimer = 0;

  constructor(sdk, options) {
    this.#sdk = sdk;
    this.#options = options;
    this.frame = new Frame(options.title, {
      onPerson: (name, room) => this.#onPerson(name, room),
      onSwitch: () => this.#switch(),
    });
    this.status = new StatusView(() => this.client.connect(), byId('main'));
    window.addEventListener('hashchange', () => this.#onPlace());
    // A page that is closed leaves at once, not after the grace time of a lost
    // connection. One that the browser kept for "back" returns.
    window.addEventListener('pagehide', () => this.client.close());
    window.addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.client.connect();
    });
    this.#start();
  }

  #start() {
    const client = new this.#sdk.Client(serverUrl(), { user: this.#user });
    this.client = client;
    this.#directory = new Directory(client);
    client.on('state', ({ to }) => {
      if (client !== this.client) return;
      this.frame.setSwitch(['closed', 'failed'].includes(to));
      this.#refresh();
    });
    client.on('rtt', () => this.#refreshSoon());
    this.#onPlace();
    client.connect();
  }

  #onPlace() {
    const { room } = readPlace();
    if (!room) {
      location.replace(hashOf(this.room || DEFAULT_ROOM));
      if (this.room) return; // hashchange tells it again
    }
    this.#enter(room || DEFAULT_ROOM);
  }

  #enter(room) {
    if (this.#leave && room === this.room) return;
    this.#leave?.();
    this.room = room;
    this.frame.show(this.#user, room, this.#options.title);
    this.#directory.tell({ piece: this.#options.piece, room });
    this.#leave = this.#options.enter({ client: this.client, room,
      user: this.#user, sdk: this.#sdk });
  }

  #onPerson(name, room) {
    const cleanedName = cleanName(name);
    const cleanedRoom = cleanRoom(room) || this.room;
    if (cleanedName && cleanedName !== this.#user) {
      // Who somebody is is said when the connection begins: it takes another.
      const before = this.client;
      tellName(cleanedName);
      this.#user = cleanedName;
      this.#leave();
      this.#leave = null;
      this.client = null;
      before.close();
      if (cleanedRoom !== this.room) location.hash = hashOf(cleanedRoom);
      this.#start();
    } else if (cleanedRoom !== this.room) {
      location.hash = hashOf(cleanedRoom);
    }
  }

  #switch() {
    if (['closed', 'failed'].includes(this.client.state)) this.client.connect();
    else this.client.close();
  }

  #refresh() {
    this.status.show(this.client.info);
  }

  #refreshSoon() {
    this.#refreshTimer ||= setTimeout(() => {
      this.#refreshTimer = 0;
      this.#refresh();
    }, REFRESH_MS);
  }
}

/**
 * Runs a piece: its name in the directory, its title, the modules of the SDK that
 * it needs besides, and enter({ client, room, user, sdk }), which is called for
 * each room and returns what leaves it.
 */
export async function runPiece(options) {
  const sdk = await loadSdk('index', ...options.modules ?? []);
  if (sdk) globalThis.godwit = new Piece(sdk, options);
}

// details-view.js - the drawer for engineers: facts about the connection, and the
// last things that happened to it, with their reasons.

import { byId, make, setText } from '../common/dom.js';
import { plural, preciseTimeOf } from '../common/text.js';

const EVENTS_MAX = 200;

export class DetailsView {
  #drawer = byId('details');
  #toggle = byId('details-toggle');
  #facts = byId('facts');
  #events = byId('events');
  #switch = byId('link-switch');
  #values = new Map();

  /** onSwitch(): connect or disconnect; read(): the facts as name -> text. */
  constructor(onSwitch, read) {
    this.read = read;
    this.#switch.addEventListener('click', onSwitch);
    this.#toggle.addEventListener('click', () => this.#open(this.#drawer.hidden));
    byId('details-close').addEventListener('click', () => this.#open(false));
    this.#drawer.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#open(false);
    });
  }

  get isOpen() {
    return !this.#drawer.hidden;
  }

  /** kind: state, gap, presence, error, ...: also the word that is shown. */
  add(kind, text, at = Date.now()) {
    this.#events.prepend(make('li', { 'data-kind': kind },
      make('time', { datetime: new Date(at).toISOString() }, preciseTimeOf(at)),
      make('span', { class: 'event-kind' }, kind),
      make('span', { class: 'event-text' }, text)));
    if (this.#events.childElementCount > EVENTS_MAX) {
      this.#events.lastElementChild.remove();
    }
  }

  refresh() {
    if (!this.isOpen) return;
    for (const [name, text] of Object.entries(this.read())) {
      if (!this.#values.has(name)) {
        const value = make('dd');
        this.#facts.append(make('div', {}, make('dt', {}, name), value));
        this.#values.set(name, value);
      }
      setText(this.#values.get(name), text || '–');
    }
  }

  setSwitch(isClosed) {
    setText(this.#switch, isClosed ? 'Connect' : 'Disconnect');
  }

  #open(open) {
    this.#drawer.hidden = !open;
    this.#toggle.setAttribute('aria-expanded', String(open));
    this.refresh();
    if (open) byId('details-title').focus();
    else this.#toggle.focus();
  }
}

/** The facts of a client and a stream's position. */
export function factsOf(info, position) {
  return {
    State: info.state,
    Since: preciseTimeOf(info.since),
    Reason: `${info.reason.code} ${info.reason.name} (${info.reason.class})`,
    Attempt: String(info.attempt),
    Endpoint: info.endpoint,
    Transport: info.transport ?? '',
    User: info.user,
    Client: info.clientId ?? '',
    Connection: info.connectionId ?? '',
    Epoch: position?.epoch ?? '',
    Offset: String(position?.offset ?? ''),
    Outbox: `${plural(info.outbox.count, 'message', 'messages')}, ` +
      plural(info.outbox.bytes, 'byte', 'bytes'),
    'Repeats dropped': String(info.duplicates),
    Limits: limitsText(info.limits),
  };
}

function limitsText(limits) {
  return Object.entries(limits).filter(([, value]) => value > 0)
    .map(([name, value]) => `${name} ${value}`).join(', ');
}

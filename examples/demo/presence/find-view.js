// find-view.js - asks the server for members by state and by what they tell. The
// question is in the URL, so a link leads to the same one.

import { byId, make, setText } from '../common/dom.js';
import { hashOf, readPlace } from '../common/place.js';
import { plural } from '../common/text.js';
import { personCard, personOf } from './board-view.js';
import { stateWord } from './states.js';

const NAMES = ['state', 'field', 'is', 'value'];
/** Comparisons without a value. */
const UNARY = ['exists', 'absent'];
const FOUND_MAX = 50;

export class FindView {
  #place = null;
  #fields = Object.fromEntries(
    NAMES.map((name) => [name, byId(`find-${name}`)]));

  constructor() {
    byId('find').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#remember();
      this.#ask();
    });
    byId('find').addEventListener('change', () => this.#enable());
    this.#enable();
  }

  /** place: { client, channel, room, sdk }. */
  enter(place) {
    this.#place = place;
    const { params } = readPlace();
    for (const name of NAMES) {
      const value = params.get(name);
      if (value !== null) this.#fields[name].value = value;
    }
    this.#enable();
    this.#clear();
    if (params.size) this.#ask();
  }

  leave() {
    this.#place = null;
    this.#clear();
  }

  get #entries() {
    return Object.fromEntries(
      NAMES.map((name) => [name, this.#fields[name].value.trim()]));
  }

  /** Only what has a meaning can be filled in. */
  #enable() {
    const { field, is, value } = this.#fields;
    is.disabled = !field.value;
    value.disabled = !field.value || UNARY.includes(is.value);
  }

  #remember() {
    const { state, field, is, value } = this.#entries;
    const entries = field ? { state, field, is,
      value: UNARY.includes(is) ? '' : value } : { state };
    history.replaceState(null, '', hashOf(this.#place.room, entries));
  }

  #query() {
    const { state, field, is, value } = this.#entries;
    const condition = { field, is };
    if (!UNARY.includes(is)) {
      condition.value = field === 'floor' && value !== '' ? Number(value) : value;
    }
    return { ...(state ? { state } : {}),
      ...(field ? { where: [condition] } : {}), limit: FOUND_MAX };
  }

  async #ask() {
    const place = this.#place;
    const { client, channel, sdk } = place;
    const query = this.#query();
    byId('asked').hidden = false;
    setText(byId('asked'), `await presence(client, '${channel}', ` +
      `${JSON.stringify(query, null, 2)})`);
    try {
      await client.ready();
      const [page, stats] = await Promise.all([
        sdk.presence(client, channel, query),
        sdk.presenceStats(client, channel)]);
      if (place === this.#place) this.#show(page, stats);
    } catch (error) {
      if (place !== this.#place) return;
      setText(byId('found-note'),
        `The server does not answer that: ${error.message} (${error.code} ${error.name})`);
      byId('found').replaceChildren();
    }
  }

  #show({ members, next }, { clients, states }) {
    const { clientId } = this.#place.client.info;
    const counts = [...states]
      .map(([state, n]) => `${n} ${stateWord(state).toLowerCase()}`);
    setText(byId('found-note'),
      `${members.length}${next ? ' or more' : ''} of ` +
      `${plural(clients, 'member', 'members')} found. In all: ${counts.join(', ')}.`);
    byId('found').replaceChildren(
      ...members.map((m) => personCard(personOf(m, clientId))));
  }

  #clear() {
    byId('found').replaceChildren();
    byId('asked').hidden = true;
    setText(byId('found-note'),
      'The server looks through all members, whatever the page has.');
  }
}

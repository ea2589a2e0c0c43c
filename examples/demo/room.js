// room.js - one room: a subscription, and what comes and goes through it.

import { gapSentence } from './words.js';
import { positionText } from './text.js';

export class Room {
  #sub;
  #views;
  #me;
  #user;
  #isOwn;
  /** Idempotency key -> row of a message that has not come back yet. */
  #rows = new Map();
  /** Acknowledged, not come back: key -> position. */
  #acknowledged = new Map();

  /** views: log, people, details; isOwn(clientId): is it this page's? */
  constructor({ client, name, user, me, views, isOwn }) {
    this.#views = views;
    this.#me = me;
    this.#user = user;
    this.#isOwn = isOwn;
    this.name = name;
    const sub = client.subscribe(`room:${name}`,
      { since: 'start', presence: true });
    this.#sub = sub;
    sub.on('publication', (p) => this.#onPublication(p));
    sub.on('gap', (gap) => this.#onGap(gap));
    sub.on('state', (change) => this.#onState(change));
    sub.on('presence', ({ kind, member }) => views.details.add('presence',
      `${kind} ${member.user || member.clientId} ${member.state ?? ''}`));
    sub.on('members', () => this.showPeople());
    ignore(sub.enter(me.state, me.data));
  }

  get position() {
    return this.#sub.position;
  }

  /** Listen to the subscription beside what the room itself does. */
  on(event, handler) {
    this.#sub.on(event, handler);
  }

  showPeople() {
    this.#views.people.show(this.#sub.members, this.#isOwn);
  }

  /** The person's state or typing is different now. */
  tellPresence() {
    ignore(this.#sub.update(this.#me.state, this.#me.data));
  }

  send(text) {
    const data = { text };
    const row = this.#views.log.addWaiting(this.#user, data);
    const publish = this.#sub.publish(data);
    const key = String(publish.key ?? '');
    if (key) this.#rows.set(key, row);
    publish.then(({ position }) => {
      // The echo may have been quicker.
      if (!this.#rows.has(key)) return;
      this.#views.log.acknowledge(row);
      this.#acknowledged.set(key, position);
    }).catch((error) => {
      this.#rows.delete(key);
      this.#views.log.refuse(row, error.message, () => this.send(text));
      this.#views.details.add('refused', `${error.name}: ${error.message}`);
    });
  }

  leave() {
    ignore(this.#sub.leave());
    ignore(this.#sub.unsubscribe());
  }

  #onPublication(publication) {
    const { key, own, position, time, clientId } = publication;
    const row = own ? this.#rows.get(String(key)) : undefined;
    if (row) {
      this.#forget(String(key));
      this.#views.log.settle(row, { position, time });
    } else {
      this.#views.log.addMessage({ ...publication,
        own: own || this.#isOwn(clientId) });
    }
  }

  #onGap({ reason, from, to, position }) {
    const name = reason?.name ?? String(reason);
    // What the server had acknowledged was before the gap, and its echo may be
    // part of what is missing.
    for (const [key, at] of this.#acknowledged) {
      this.#views.log.settle(this.#rows.get(key),
        { position: at, time: Date.now() });
      this.#forget(key);
    }
    this.#views.log.addGap({ name, from, to, position });
    this.#views.details.add('gap', `${name} ${from ?? '?'} to ${to || '?'}: ` +
      `${gapSentence(name, 0)} Goes on at ${positionText(position)}`);
  }

  #onState({ from, to, reason }) {
    this.#views.details.add('room', `${from} to ${to}${why(reason)}`);
    if (to === 'ended' && reason?.name !== 'UNSUBSCRIBED') {
      this.#views.log.addNotice(
        `This room is closed to you: ${reason?.message ?? 'no reason given'}`);
    }
  }

  #forget(key) {
    this.#rows.delete(key);
    this.#acknowledged.delete(key);
  }
}

/** " (100 CONNECTION_LOST: text)", or nothing. */
export function why(reason) {
  if (!reason?.code) return '';
  const text = reason.message ? `: ${reason.message}` : '';
  return ` (${reason.code} ${reason.name}${text})`;
}

/** Presence is told again after each reconnect by the client itself, so a wish
 * that failed needs no more than silence here. */
function ignore(result) {
  result?.catch?.(() => {});
}

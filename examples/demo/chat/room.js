// room.js - one room: a subscription, and what comes and goes through it.

import { nameOf, positionText } from '../common/text.js';

/** A client that was told to close takes nothing until it is told to connect. */
const CLOSED = ['closed', 'failed'];

export class Room {
  #client;
  #sub;
  #views;
  #me;
  #user;
  #isOwn;
  /** Written here and not come back yet: the promise, which has the idempotency
   * key, the row, and the position when it is acknowledged. */
  #sent = [];
  /** Written while the client was closed. */
  #held = [];
  #peopleWanted = false;
  #isLeft = false;

  /** since: where to go on, or 'start'; views: log, people, details;
   * isOwn(clientId): is it this page's? */
  constructor({ client, channel, since, user, me, views, isOwn }) {
    this.#client = client;
    this.#views = views;
    this.#me = me;
    this.#user = user;
    this.#isOwn = isOwn;
    const sub = client.subscribe(channel, { since, presence: true });
    this.#sub = sub;
    sub.on('publication', (p) => this.#onPublication(p));
    sub.on('gap', (gap) => this.#onGap(gap));
    sub.on('state', (change) => this.#onState(change));
    sub.on('presence', ({ kind, member }) => {
      views.details.add('presence',
        `${kind} ${nameOf(member.user, member.clientId)} ${member.state}`);
      this.showPeopleSoon();
    });
    sub.on('members', () => this.showPeopleSoon());
    sub.enter(me.state, me.data);
  }

  get position() {
    return this.#sub.position;
  }

  /** Listen to the subscription beside what the room itself does. */
  on(event, handler) {
    this.#sub.on(event, handler);
  }

  /** Changes come in batches: they are drawn once. */
  showPeopleSoon() {
    if (this.#peopleWanted) return;
    this.#peopleWanted = true;
    queueMicrotask(() => {
      this.#peopleWanted = false;
      if (!this.#isLeft) this.#views.people.show(this.#sub.members, this.#isOwn);
    });
  }

  /** The person's state or typing is different now. */
  tellPresence() {
    this.#sub.update(this.#me.state, this.#me.data);
  }

  send(text) {
    const row = this.#views.log.addWaiting(this.#user, { text });
    if (CLOSED.includes(this.#client.state)) this.#held.push({ row, text });
    else this.#publish(row, text);
  }

  /** How many messages wait for somebody to connect again. */
  get numHeld() {
    return this.#held.length;
  }

  /** The client is connecting again: it takes publications now. */
  release() {
    for (const { row, text } of this.#held.splice(0)) this.#publish(row, text);
  }

  #publish(row, text) {
    const publishing = this.#sub.publish({ text });
    const sent = { publishing, row, position: null };
    this.#sent.push(sent);
    publishing.then(({ position }) => {
      // The echo may have been quicker.
      if (!this.#sent.includes(sent)) return;
      sent.position = position;
      this.#views.log.acknowledge(row);
    }).catch((error) => {
      // One that waited too long may have come to the server all the same: then it
      // is still to come back.
      const isOpen = error.name === 'OUTBOX_EXPIRED';
      if (!isOpen) this.#forget(sent);
      this.#views.log.refuse(row,
        isOpen ? error.message : `not sent: ${error.message}`, () => {
          this.#forget(sent);
          this.send(text);
        });
      this.#dropUnseen();
      this.#views.details.add('refused', String(error));
    });
  }

  /** The log shows only so many that were refused. */
  #dropUnseen() {
    this.#sent = this.#sent.filter(({ row }) => row.isConnected);
  }

  leave() {
    this.#isLeft = true;
    this.#sub.leave();
    this.#sub.unsubscribe();
  }

  #onPublication(publication) {
    const { own, clientId, key } = publication;
    const sent = own
      ? this.#sent.find(({ publishing }) => publishing.key === key) : undefined;
    if (sent) {
      this.#forget(sent);
      this.#views.log.settle(sent.row, publication);
    } else {
      this.#views.log.addMessage(publication, () => dataOf(publication),
        own || this.#isOwn(clientId));
    }
  }

  #onGap(gap) {
    // What was acknowledged before the gap will not come back: its echo is part
    // of what is missing.
    for (const sent of this.#sent.filter((s) => isBefore(s.position, gap))) {
      this.#forget(sent);
      this.#views.log.settle(sent.row,
        { position: sent.position, time: Date.now() });
    }
    this.#views.log.addGap(gap);
    const { reason, from, to, position } = gap;
    this.#views.details.add('gap', `${reason}, ${from} to ${to ?? '?'}; ` +
      `goes on after ${positionText(position)}`);
  }

  #onState({ from, to, reason }) {
    this.#views.details.add('room', `${from} to ${to}${why(reason)}`);
  }

  #forget(sent) {
    const index = this.#sent.indexOf(sent);
    if (index >= 0) this.#sent.splice(index, 1);
  }
}

/** " (100 CONNECTION_LOST: text)", or nothing. */
export function why(reason) {
  if (!reason?.code) return '';
  const text = reason.message ? `: ${reason.message}` : '';
  return ` (${reason.code} ${reason.name}${text})`;
}

/** Whether an acknowledged position is one that a gap passed over. After a restart
 * acknowledgements of the new epoch may come sooner than the gap is told. */
function isBefore(position, gap) {
  if (!position) return false;
  const { epoch, offset } = gap.position;
  return position.epoch !== epoch || position.offset <= offset;
}

/** A publisher may have sent text that is not JSON. */
function dataOf(publication) {
  try {
    return publication.data;
  } catch (error) {
    return { error: error.message };
  }
}

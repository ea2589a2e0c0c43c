// log-view.js - the conversation: settled messages in stream order, gaps between
// them, and below them what this page wrote and the server has not taken yet.
//
//    #messages   published, published, -- gap --, published
//    #waiting    waiting, waiting, refused
//
// A row of #waiting moves to #messages when its publication comes back in the
// stream. Rows carry data- attributes (kind, state, epoch, offset) for tests and
// for people with an inspector.

import { byId, make, setText } from '../common/dom.js';
import {
  count, hueOf, initials, isOnlyEmoji, nameOf, payloadText, plural,
  positionText, SHOWN_MAX, timeOf,
} from '../common/text.js';
import { gapSentence } from '../common/words.js';

/** Rows that stay in the page: enough to read back, few enough for a phone. */
const ROWS_MAX = 500;
/** Rows are taken away in batches, so that this is rare work. */
const ROWS_SLACK = 50;
/** Refused messages that stay to be sent again. */
const REFUSED_MAX = 20;
/** Messages of one author closer than this share a head line. */
const GROUP_MS = 5 * 60 * 1000;
/** This close to the end counts as reading along. */
const NEAR_END_PX = 48;

export class LogView {
  #scroller = byId('scroller');
  #log = byId('log');
  #messages = byId('messages');
  #waiting = byId('waiting');
  #empty = byId('empty');
  #earlier = byId('earlier');
  #toNewest = byId('to-newest');
  #last = null; // author and time of the last message, for grouping
  #removed = 0;
  #unseen = 0;
  #follow = true;
  #scrollWanted = false;

  constructor() {
    this.#scroller.addEventListener('scroll', () => this.#onScroll(),
      { passive: true });
    this.#toNewest.addEventListener('click', () => this.toNewest());
    // The keyboard of a phone and the growing text field change the height, and
    // so do rows that grow.
    const observer = new ResizeObserver(() =>
      this.#follow && this.#scrollToEnd());
    for (const element of [this.#scroller, this.#log, this.#waiting]) {
      observer.observe(element);
    }
  }

  clear() {
    this.#messages.replaceChildren();
    this.#waiting.replaceChildren();
    this.#last = null;
    this.#removed = 0;
    this.#earlier.hidden = true;
    this.#empty.hidden = false;
    this.toNewest();
  }

  /** While many messages come at once, a screen reader need not read each. */
  setBusy(busy) {
    this.#log.setAttribute('aria-busy', String(busy));
  }

  addMessage({ user, clientId, time, position }, data, own) {
    const row = this.#row({ name: nameOf(user, clientId), data, own, time });
    this.#settle(row, { position, time });
  }

  /** A message that this page wrote; returns its row. */
  addWaiting(name, data) {
    const row = this.#row({ name, data, own: true, time: Date.now() });
    this.#setState(row, 'waiting', 'waiting');
    this.#waiting.append(row);
    this.#empty.hidden = true;
    this.toNewest();
    return row;
  }

  /** The row's publication came in the stream, or is known to be in it. */
  settle(row, { position, time }) {
    row.remove();
    row.querySelector('.message-note')?.remove();
    this.#settle(row, { position, time });
  }

  /** The server has it; its place in the stream is still to come. */
  acknowledge(row) {
    this.#setState(row, 'acknowledged', 'sent');
  }

  /** words: what became of it; again(): to send it once more. */
  refuse(row, words, again) {
    this.#setState(row, 'refused', words);
    const button = make('button', { type: 'button', class: 'button small' },
      'Send again');
    button.addEventListener('click', () => {
      row.remove();
      again();
    });
    row.querySelector('.message-note').append(' ', button);
    const refused = this.#waiting.querySelectorAll('[data-state=refused]');
    if (refused.length > REFUSED_MAX) refused[0].remove();
  }

  addGap({ reason, from, to, position }) {
    const missing = to === null ? 0 : to - from + 1;
    const row = make('li', { class: 'gap', 'data-kind': 'gap',
      'data-gap': reason, 'data-from': from, 'data-to': to,
      'data-epoch': position.epoch, 'data-offset': position.offset },
    make('p', {}, gapSentence(reason, missing)));
    this.#last = null;
    this.#append(row);
  }

  addNotice(text) {
    this.#last = null;
    this.#append(make('li', { class: 'gap', 'data-kind': 'notice' },
      make('p', {}, text)));
  }

  toNewest() {
    this.#follow = true;
    this.#unseen = 0;
    this.#toNewest.hidden = true;
    this.#scrollToEnd();
  }

  #row({ name, data, own, time }) {
    const { text, code } = payloadText(data);
    const body = make('p', { class: 'message-text', dir: 'auto' });
    body.classList.toggle('is-code', code);
    body.classList.toggle('is-emoji', !code && isOnlyEmoji(text));
    fill(body, text);
    const head = make('p', { class: 'message-head' },
      make('bdi', { class: 'message-name' }, own ? 'You' : name),
      make('time', { class: 'message-time' }, timeOf(time)));
    const picture = make('span', { class: 'avatar', 'aria-hidden': 'true',
      'data-hue': hueOf(name) }, initials(name));
    const row = make('li', { class: 'message', 'data-kind': 'message' },
      picture, make('div', { class: 'bubble' }, head, body));
    row.classList.toggle('is-own', Boolean(own));
    row.dataset.author = name;
    return row;
  }

  #settle(row, { position, time }) {
    const author = (row.classList.contains('is-own') ? 'own ' : '') +
      row.dataset.author;
    const grouped = this.#last?.author === author &&
      Math.abs(time - this.#last.time) < GROUP_MS;
    row.classList.toggle('is-grouped', grouped);
    this.#last = { author, time };
    row.dataset.state = 'settled';
    row.dataset.epoch = position.epoch;
    row.dataset.offset = position.offset;
    const clock = row.querySelector('.message-time');
    clock.textContent = timeOf(time);
    clock.dateTime = new Date(time).toISOString();
    clock.title = `position ${positionText(position)}`;
    this.#append(row);
  }

  #setState(row, state, words) {
    row.dataset.state = state;
    const note = row.querySelector('.message-note') ??
      row.querySelector('.bubble').appendChild(
        make('p', { class: 'message-note' }));
    setText(note, words);
  }

  #append(row) {
    this.#messages.append(row);
    this.#empty.hidden = true;
    this.#trim();
    if (this.#follow) {
      this.#scrollToEnd();
    } else if (row.dataset.kind === 'message') {
      this.#unseen += 1;
      setText(this.#toNewest, `${plural(this.#unseen, 'new message',
        'new messages')} ↓`);
      this.#toNewest.hidden = false;
    }
  }

  #trim() {
    const over = this.#messages.childElementCount - ROWS_MAX;
    if (over < ROWS_SLACK) return;
    for (let i = 0; i < over; i++) {
      const row = this.#messages.firstElementChild;
      if (row.dataset.kind === 'message') this.#removed += 1;
      row.remove();
    }
    // What was grouped below a row that is gone needs its head again.
    this.#messages.firstElementChild.classList.remove('is-grouped');
    setText(this.#earlier, `${plural(this.#removed, 'earlier message has',
      'earlier messages have')} left this page, to keep it quick.`);
    this.#earlier.hidden = false;
  }

  /** Layout is asked for once per frame, however many messages came. */
  #scrollToEnd() {
    if (this.#scrollWanted) return;
    this.#scrollWanted = true;
    requestAnimationFrame(() => {
      this.#scrollWanted = false;
      if (this.#follow) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    });
  }

  #onScroll() {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    // A scroll event of our own can come after the next message is there.
    if (!atEnd && this.#scrollWanted) return;
    this.#follow = atEnd;
    if (atEnd) {
      this.#unseen = 0;
      this.#toNewest.hidden = true;
    }
  }
}

/** Puts the text in, folded when it is long. */
function fill(body, text) {
  if (text.length <= SHOWN_MAX) {
    body.textContent = text;
    return;
  }
  const more = make('button', { type: 'button', class: 'button small' },
    `Show all ${count(text.length)} characters`);
  more.addEventListener('click', () => {
    body.textContent = text;
  });
  body.append(`${text.slice(0, SHOWN_MAX)}… `, more);
}

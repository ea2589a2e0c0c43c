// log-view.js - the conversation: settled messages in stream order, gaps between
// them, and below them what this page wrote and the server has not taken yet.
//
//    #messages   published, published, -- gap --, published
//    #waiting    waiting, waiting, refused
//
// A row of #waiting moves to #messages when its publication comes back in the
// stream. In a flood rows are drawn a few times a second and most messages are
// folded (arrivals.js); they are drawn when it is over, as far as they are kept.

import { byId, make, setText } from '../common/dom.js';
import { nameOf, plural } from '../common/text.js';
import { Arrivals, numMessages } from './arrivals.js';
import { Pace } from './pace.js';
import { foldRow, gapRow, mark, messageRow, noticeRow, settle } from './rows.js';

/** Rows that stay in the page, and messages behind folds: enough to read back, few
 * enough for a phone. */
const ROWS_MAX = 500;
/** Up to this many come below what somebody reads who reads back; the others wait
 * for them, so that nothing they read is taken away. */
const READING_MAX = 1000;
/** Rows are taken away in batches, so that this is rare work. */
const ROWS_SLACK = 50;
/** Refused messages that stay to be sent again. */
const REFUSED_MAX = 20;
/** The least height of a row. */
const ROW_PX = 42;
/** After an event of a scroll there may be another for so long. */
const SCROLL_MS = 500;
/** A scroll by hand may go on for so long after the last key, wheel or touch. */
const HAND_MS = 500;
const SCROLL_KEYS = new Set(['ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home',
  ' ']);
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
  #arrivals = new Arrivals(performance.now());
  #last = null; // author and time of the last message, for grouping
  /** Row -> the fold that it stands for. */
  #folds = new Map();
  #kept = 0;
  #removed = 0;
  #unseen = 0;
  #follow = true;
  #scrollWanted = false;
  #scrolledAt = 0;
  #handAt = -Infinity;
  /** Messages that fill the window, at least. */
  #inWindow = 1;
  #isSyncing = false;
  /** Runs in a flood. */
  #timer = 0;
  #pace = new Pace();
  /** Rows of the last draw in a flood. */
  #newest = [];

  constructor() {
    this.#scroller.addEventListener('scroll', () => this.#onScroll(),
      { passive: true });
    this.#watchHand();
    this.#toNewest.addEventListener('click', () => this.toNewest());
    // The keyboard of a phone and the growing text field change the height, and
    // so do rows that grow.
    const observer = new ResizeObserver(() =>
      this.#follow && this.#scrollToEnd());
    for (const element of [this.#scroller, this.#log, this.#waiting]) {
      observer.observe(element);
    }
    new ResizeObserver(([{ contentRect }]) => {
      this.#inWindow = Math.ceil(contentRect.height / ROW_PX);
    }).observe(this.#scroller);
  }

  clear() {
    this.#arrivals.clear();
    this.#messages.replaceChildren();
    this.#waiting.replaceChildren();
    this.#folds.clear();
    this.#last = null;
    this.#kept = 0;
    this.#removed = 0;
    this.#earlier.hidden = true;
    this.#empty.hidden = false;
    this.toNewest();
  }

  /** While many messages come at once, a screen reader need not read each. */
  setBusy(busy) {
    this.#isSyncing = busy;
    this.#tellBusy();
  }

  /** read(): its data, which is not asked for if it is not drawn. */
  addMessage({ user, clientId, time, position }, read, own) {
    this.#arrive({ kind: 'message', user, clientId, time, position, read, own });
  }

  /** A message that this page wrote; returns its row. */
  addWaiting(name, data) {
    const row = messageRow({ name, data, own: true, time: Date.now() });
    mark(row, 'waiting', 'waiting');
    this.#waiting.append(row);
    this.#empty.hidden = true;
    this.toNewest();
    return row;
  }

  /** The row's publication came in the stream, or is known to be in it. */
  settle(row, { position, time }) {
    this.#arrive({ kind: 'own', row, position, time });
  }

  /** The server has it; its place in the stream is still to come. */
  acknowledge(row) {
    mark(row, 'acknowledged', 'sent');
  }

  /** words: what became of it; again(): to send it once more. */
  refuse(row, words, again) {
    const note = mark(row, 'refused', words);
    const button = make('button', { type: 'button', class: 'button small' },
      'Send again');
    button.addEventListener('click', () => {
      row.remove();
      again();
    });
    note.append(' ', button);
    const refused = this.#waiting.querySelectorAll('[data-state=refused]');
    if (refused.length > REFUSED_MAX) refused[0].remove();
  }

  addGap({ reason, from, to, position }) {
    this.#arrive({ kind: 'gap', reason, from, to, position });
  }

  addNotice(text) {
    this.#arrive({ kind: 'notice', text });
  }

  toNewest() {
    this.#follow = true;
    this.#unseen = 0;
    this.#draw();
    this.#scrollToEnd();
  }

  #arrive(entry) {
    const now = performance.now();
    this.#arrivals.add(entry, now);
    if (!this.#follow && ['message', 'own'].includes(entry.kind)) {
      this.#unseen += 1;
    }
    if (this.#timer) return;
    this.#draw();
    if (this.#arrivals.isFlood(now)) this.#beginFlood();
  }

  #beginFlood() {
    this.#drawLater();
    this.#tellBusy();
  }

  #drawLater() {
    this.#timer = setTimeout(() => {
      this.#draw();
      const now = performance.now();
      // What is drawn above would move where a scroll ends.
      const isScrolling = !this.#follow && now - this.#scrolledAt < SCROLL_MS;
      if (isScrolling || this.#arrivals.isFlood(now)) this.#drawLater();
      else this.#endFlood();
    }, this.#pace.waitMs);
  }

  #endFlood() {
    this.#timer = 0;
    this.#newest = [];
    this.#unfold();
    this.#tellBusy();
  }

  #tellBusy() {
    const busy = String(this.#isSyncing || this.#timer !== 0);
    if (this.#log.getAttribute('aria-busy') !== busy) {
      this.#log.setAttribute('aria-busy', busy);
    }
  }

  /** Draws what has come, unless it has to wait. */
  #draw() {
    this.#showUnseen();
    const isHeld = !this.#follow && this.#kept >= READING_MAX;
    if (isHeld || this.#arrivals.isEmpty) return;
    const rows = document.createDocumentFragment();
    const now = performance.now();
    for (const entry of this.#arrivals.take(now, this.#inWindow)) {
      rows.append(this.#rowOf(entry));
      this.#kept += keptOf(entry);
    }
    if (this.#timer) this.#keepQuick([...rows.children]);
    this.#messages.append(rows);
    this.#empty.hidden = true;
    this.#trim(ROWS_SLACK);
    if (this.#follow) this.#scrollToEnd();
  }

  /** In a flood each draw takes those before it out of view. */
  #keepQuick(rows) {
    for (const row of this.#newest) row.classList.add('is-far');
    this.#newest = rows;
    this.#pace.watch();
  }

  #rowOf(entry) {
    switch (entry.kind) {
      case 'message': {
        const row = drawn(entry);
        this.#last = settle(row, entry, this.#last);
        return row;
      }
      case 'own':
        entry.row.querySelector('.message-note')?.remove();
        this.#last = settle(entry.row, entry, this.#last);
        return entry.row;
      default:
        this.#last = null;
        return this.#lineOf(entry);
    }
  }

  #lineOf(entry) {
    if (entry.kind === 'gap') return gapRow(entry);
    if (entry.kind === 'notice') return noticeRow(entry);
    const row = foldRow(entry);
    this.#folds.set(row, entry);
    return row;
  }

  /** What was folded is drawn after all, as far as it is kept. It is out of view,
   * mostly: its layout can wait. */
  #unfold() {
    for (const [row, fold] of [...this.#folds]) {
      const messages = fold.messages.splice(0);
      if (messages.length === 0) continue;
      const rows = document.createDocumentFragment();
      let last = null;
      for (const message of messages) {
        const made = drawn(message);
        made.classList.add('is-far');
        last = settle(made, message, last);
        rows.append(made);
      }
      this.#folds.delete(row);
      if (fold.lost) {
        rows.prepend(this.#lineOf(fold));
        this.#kept += 1;
      }
      row.replaceWith(rows);
    }
    this.#trim(0);
    if (this.#follow) this.#scrollToEnd();
  }

  #showUnseen() {
    this.#toNewest.hidden = this.#unseen === 0;
    if (this.#unseen === 0) return;
    setText(this.#toNewest, `${plural(this.#unseen, 'new message',
      'new messages')} ↓`);
  }

  /** slack: how many too many do not matter. */
  #trim(slack) {
    if (!this.#follow) return;
    const isOver = this.#kept > ROWS_MAX + slack;
    const before = this.#removed;
    for (let row; (row = this.#messages.firstElementChild);) {
      const fold = this.#folds.get(row);
      const kept = fold ? keptOf(fold) : 1;
      // A fold of which nothing is kept stands for nothing but its number.
      const isGone = fold?.messages.length === 0;
      if (!isGone && !(isOver && this.#kept - kept >= ROWS_MAX)) break;
      this.#kept -= kept;
      if (fold) this.#removed += numMessages(fold);
      else if (row.dataset.kind === 'message') this.#removed += 1;
      this.#folds.delete(row);
      row.remove();
    }
    if (this.#removed > before) this.#showRemoved();
  }

  #showRemoved() {
    // What was grouped below a row that is gone needs its head again.
    this.#messages.firstElementChild?.classList.remove('is-grouped');
    setText(this.#earlier, `${plural(this.#removed, 'earlier message has',
      'earlier messages have')} left this page, to keep it quick.`);
    this.#earlier.hidden = false;
  }

  #watchHand() {
    const note = () => { this.#handAt = performance.now(); };
    for (const type of ['wheel', 'touchmove']) {
      this.#scroller.addEventListener(type, note, { passive: true });
    }
    this.#scroller.addEventListener('keydown', (event) => {
      if (SCROLL_KEYS.has(event.key)) note();
      if (event.key !== 'End') return;
      event.preventDefault(); // the end may be further down when it is reached
      this.#handAt = -Infinity;
      this.toNewest();
    });
    this.#scroller.addEventListener('pointerdown', ({ target }) => {
      if (target === this.#scroller) note(); // its scroll bar
    });
  }

  get #isByHand() {
    return performance.now() - this.#handAt < HAND_MS;
  }

  /** Layout is asked for once per frame, however many messages came. */
  #scrollToEnd() {
    if (this.#scrollWanted) return;
    this.#scrollWanted = true;
    requestAnimationFrame(() => this.#scrollNow());
  }

  /** A scroll by hand that has just begun is not undone: where it leads is waited
   * for. */
  #scrollNow() {
    if (this.#follow && this.#isByHand) {
      requestAnimationFrame(() => this.#scrollNow());
      return;
    }
    this.#scrollWanted = false;
    if (this.#follow) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #onScroll() {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    // A scroll event of our own can come after the next message is there.
    if (!atEnd && this.#scrollWanted && !this.#isByHand) return;
    this.#scrolledAt = performance.now();
    if (atEnd && !this.#follow) this.toNewest();
    this.#follow = atEnd;
  }
}

/** Of what may stay in the page. */
const keptOf = (entry) =>
  entry.kind === 'fold' ? Math.max(1, entry.messages.length) : 1;

const drawn = ({ user, clientId, time, read, own }) =>
  messageRow({ name: nameOf(user, clientId), data: read(), own, time });

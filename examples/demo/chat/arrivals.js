// arrivals.js - what has come into a room and is not drawn yet, and how many of
// the messages are drawn: no DOM, no timer.
//
// Nobody reads a thousand messages a second, and no page draws them. A burst is
// drawn as it comes. In a flood the newest are drawn and what is before them is
// folded:
//
//    came     1 2 3 ... 190 191 ... 204, gap, 205
//    taken    fold(1 ... 190), 191 ... 204, gap, 205
//
// An entry is { kind, ... }: 'message' may be folded; whatever else comes ('own',
// 'gap', 'notice') stands where it came. A fold is { kind: 'fold', messages,
// lost }: entries that are kept, to be drawn when there is time, and the number
// of messages before them that are not.

/** More messages than this in a burst are a flood ... */
const BURST_MAX = 200;
/** ... if more come than this, for each second of it. */
const PER_SECOND = 100;
/** Entries that are kept while they wait. */
const WAITING_MAX = 500;

export class Arrivals {
  #waiting = [];
  /** How many may come before it is a flood, and when that was reckoned. */
  #allowed = BURST_MAX;
  #at;
  #isFlood = false;

  /** now: milliseconds, here and below, by any clock that only goes on. */
  constructor(now) {
    this.#at = now;
  }

  get isEmpty() {
    return this.#waiting.length === 0;
  }

  /** It begins with too large a burst, and is over when half of one may come. */
  isFlood(now) {
    this.#allow(now);
    return this.#isFlood;
  }

  #allow(now) {
    const seconds = Math.max(0, now - this.#at) / 1000;
    this.#at = now;
    this.#allowed = Math.min(BURST_MAX, this.#allowed + seconds * PER_SECOND);
    if (this.#allowed >= BURST_MAX / 2) this.#isFlood = false;
  }

  add(entry, now) {
    this.#waiting.push(entry);
    // Not at each: it looks at all of them.
    if (this.#waiting.length >= 2 * WAITING_MAX) this.#forget();
    if (!isMessage(entry)) return;
    this.#allow(now);
    this.#allowed -= 1;
    if (this.#allowed > 0) return;
    this.#allowed = 0;
    this.#isFlood = true;
  }

  /** Entries and folds, in their order, to be drawn now; in a flood as many
   * messages as a window shows. */
  take(now, inWindow) {
    if (this.#waiting.length > WAITING_MAX) this.#forget();
    const came = this.#waiting;
    this.#waiting = [];
    const max = this.isFlood(now) ? inWindow : WAITING_MAX;
    return fold(came, came.filter(isMessage).length - max);
  }

  clear() {
    this.#waiting = [];
  }

  /** Of the oldest only the number is kept. One's own stay, which are no more than
   * the outbox takes. */
  #forget() {
    const kept = this.#waiting.splice(-WAITING_MAX);
    const own = this.#waiting.filter(({ kind }) => kind === 'own');
    const lost = this.#waiting.reduce((sum, e) => sum + numMessages(e), 0) -
      own.length;
    const folds = lost ? [{ kind: 'fold', messages: [], lost }] : [];
    this.#waiting = [...folds, ...own, ...kept];
  }
}

const isMessage = ({ kind }) => kind === 'message';

/** Messages that an entry is, or stands for. */
export function numMessages(entry) {
  switch (entry.kind) {
    case 'fold': return entry.lost + entry.messages.length;
    case 'gap': return entry.to === null ? 0 : entry.to - entry.from + 1;
    case 'notice': return 0;
    default: return 1;
  }
}

/** Folds the first n messages; none when n is negative. */
function fold(entries, n) {
  const folded = [];
  let left = n;
  for (const entry of entries) {
    const last = folded.at(-1);
    if (!isMessage(entry) || left <= 0) {
      folded.push(entry);
      continue;
    }
    left -= 1;
    if (last?.kind === 'fold') last.messages.push(entry);
    else folded.push({ kind: 'fold', messages: [entry], lost: 0 });
  }
  return folded;
}

// log-view.js - calls out of and into this window, newest first, with what came of
// them.

import { byId, make, setText } from '../common/dom.js';
import { preciseTimeOf } from '../common/text.js';
import { errorSentence } from '../common/words.js';

const ENTRIES_MAX = 100;
const SHOWN_MAX = 2000;

/** What to do about an error, by its class. */
const ADVICE = {
  retry: 'try again',
  'retry-after': 'try again later',
  reauth: 'get a new token, then try again',
  resync: 'load the state anew',
  terminal: 'trying again will not help',
};

export class LogView {
  #list = byId('log');
  #empty = byId('calls-empty');

  constructor() {
    byId('clear').addEventListener('click', () => {
      this.#list.replaceChildren();
      this.#empty.hidden = false;
    });
  }

  /** direction: out or in. Returns what ends the entry: answer(data), or
   * fail(error). */
  addCall({ direction, method, who, data }) {
    const begun = performance.now();
    const outcome = make('div', { class: 'outcome' }, 'waiting…');
    const took = make('span', { class: 'note took' });
    const entry = make('li', { class: 'entry', 'data-direction': direction,
      'data-method': method, 'data-outcome': 'waiting' },
    make('p', { class: 'entry-head' },
      make('span', { class: 'way' }, direction === 'out' ? 'to ' : 'from '),
      make('bdi', {}, who), ' ', make('code', {}, method), ' ',
      took, make('time', { class: 'note' }, preciseTimeOf(Date.now()))),
    ...(data === null || data === undefined ? []
      : [make('pre', { class: 'argument' }, textOf(data))]), outcome);
    this.#list.prepend(entry);
    this.#empty.hidden = true;
    if (this.#list.childElementCount > ENTRIES_MAX) {
      this.#list.lastElementChild.remove();
    }
    const end = (kind, ...children) => {
      entry.dataset.outcome = kind;
      setText(took, `${Math.round(performance.now() - begun)} ms`);
      outcome.replaceChildren(...children);
    };
    return {
      answer: (answer) => end('answer',
        make('pre', { class: 'result' }, textOf(answer))),
      fail: (error) => end('error', ...errorParts(error)),
    };
  }
}

function errorParts(error) {
  const { code, name, class: kind, retryAfterMs } = error;
  const advice = ADVICE[kind] ?? '';
  const later = retryAfterMs ? `, not before ${retryAfterMs / 1000} s` : '';
  return [make('p', { class: 'error-line' },
    make('strong', {}, code === undefined ? name : `${code} ${name}`),
    ` ${errorSentence(error)}`),
  make('p', { class: 'note' }, kind ? `${kind}: ${advice}${later}` : 'no typed error')];
}

function textOf(data) {
  const text = data instanceof Uint8Array ? `${data.byteLength} bytes`
    : JSON.stringify(data, null, 1)?.replace(/\n\s*/gu, ' ') ?? 'nothing';
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

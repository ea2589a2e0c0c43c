// rows.js - makes the rows of the conversation: messages, gaps, folds, notices. They
// carry data- attributes (kind, state, epoch, offset, count) for tests and for
// people with an inspector.

import { make, setText } from '../common/dom.js';
import {
  count, hueOf, initials, isOnlyEmoji, payloadText, positionText, SHOWN_MAX, timeOf,
} from '../common/text.js';
import { gapSentence } from '../common/words.js';
import { numMessages } from './arrivals.js';

/** Messages of one author closer than this share a head line. */
const GROUP_MS = 5 * 60 * 1000;

export function messageRow({ name, data, own, time }) {
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

/** The message has its place in the stream; last: what this returned for the one
 * before it, or null when that is none to be grouped with. */
export function settle(row, { position, time }, last) {
  const author = (row.classList.contains('is-own') ? 'own ' : '') +
    row.dataset.author;
  const grouped = last?.author === author &&
    Math.abs(time - last.time) < GROUP_MS;
  row.classList.toggle('is-grouped', grouped);
  row.dataset.state = 'settled';
  row.dataset.epoch = position.epoch;
  row.dataset.offset = position.offset;
  const clock = row.querySelector('.message-time');
  clock.textContent = timeOf(time);
  clock.dateTime = new Date(time).toISOString();
  clock.title = `position ${positionText(position)}`;
  return { author, time };
}

/** What the page has not taken yet, or will not be; returns its note. */
export function mark(row, state, words) {
  row.dataset.state = state;
  const note = row.querySelector('.message-note') ??
    row.querySelector('.bubble').appendChild(
      make('p', { class: 'message-note' }));
  setText(note, words);
  return note;
}

export function gapRow(gap) {
  const { reason, from, to, position } = gap;
  return line({ 'data-kind': 'gap', 'data-gap': reason, 'data-from': from,
    'data-to': to, 'data-epoch': position.epoch,
    'data-offset': position.offset }, gapSentence(reason, numMessages(gap)));
}

export function foldRow(fold) {
  const missing = numMessages(fold);
  return line({ 'data-kind': 'gap', 'data-gap': 'folded',
    'data-count': missing }, gapSentence('folded', missing));
}

export const noticeRow = ({ text }) => line({ 'data-kind': 'notice' }, text);

const line = (attributes, text) =>
  make('li', { class: 'gap', ...attributes }, make('p', {}, text));

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

// text.js - what people and peers wrote, made fit to show: names, rooms, payloads,
// times and numbers.

export const NAME_MAX = 32;
export const ROOM_MAX = 40;
/** Longer messages are folded, so that one cannot fill the page. */
export const SHOWN_MAX = 2000;

/* Controls, line ends and format characters (among them those that turn the
 * writing direction). The two joiners stay: emoji and Persian need them. */
const UNFIT = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/gu;

const segmenter = Intl.Segmenter ? new Intl.Segmenter() : null;

/** The first n characters as people count them, of at most 4n code points. */
function firstCharacters(text, n) {
  const cut = [...text].slice(0, 4 * n).join('');
  if (!segmenter) return [...cut].slice(0, n).join('');
  const parts = [];
  for (const { segment } of segmenter.segment(cut)) {
    if (parts.push(segment) === n) break;
  }
  return parts.join('');
}

/** A name that is fit to show; empty when nothing is left of it. */
export function cleanName(name) {
  const text = String(name ?? '').normalize('NFC').replace(UNFIT, ' ');
  return firstCharacters(text.replace(/\s+/gu, ' ').trim(), NAME_MAX).trim();
}

/** Letters, digits, - and _ of any script; empty when nothing is left. */
export function cleanRoom(room) {
  const text = String(room ?? '').normalize('NFKC').toLowerCase().trim();
  const words = text.replace(/^#/u, '').replace(/\s+/gu, '-');
  return [...words.replace(/[^\p{L}\p{M}\p{N}_-]/gu, '')]
    .slice(0, ROOM_MAX).join('');
}

/** The name of whoever stands behind a user id and a client id. */
export function nameOf(user, clientId) {
  const name = cleanName(user);
  if (name) return name;
  return clientId ? `Guest ${clientId.slice(0, 4)}` : 'Server';
}

/** What to show of a payload: {text} is ours, any other JSON is shown as code. */
export function payloadText(data) {
  if (typeof data === 'string') return { text: data, code: false };
  if (data && typeof data.text === 'string') {
    return { text: data.text, code: false };
  }
  if (data instanceof Uint8Array) {
    return { text: `${data.byteLength} bytes`, code: true };
  }
  return { text: JSON.stringify(data) ?? 'nothing', code: true };
}

/** Up to three emoji and nothing else: shown larger. */
export function isOnlyEmoji(text) {
  if (text.length > 40) return false;
  const rest = text.replace(/[\u200d\ufe0f\s]|\p{Emoji_Modifier}/gu, '');
  return /^\p{Extended_Pictographic}{1,3}$/u.test(rest);
}

/** 0 to 7, the same for the same name everywhere. */
export function hueOf(name) {
  let hash = 0;
  for (const c of name) hash = (hash * 31 + c.codePointAt(0)) >>> 0;
  return hash % 8;
}

/** One or two letters for the picture of somebody who has none. */
export function initials(name) {
  const words = name.split(' ').filter(Boolean);
  const last = words.length > 1 ? firstCharacters(words.at(-1), 1) : '';
  return (firstCharacters(words[0] ?? '?', 1) + last).toUpperCase();
}

const clock = new Intl.DateTimeFormat(undefined,
  { hour: '2-digit', minute: '2-digit' });
const preciseClock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit', minute: '2-digit', second: '2-digit',
  fractionalSecondDigits: 3,
});
const numbers = new Intl.NumberFormat('en');

export const timeOf = (ms) => clock.format(ms);
export const preciseTimeOf = (ms) => preciseClock.format(ms);
export const count = (n) => numbers.format(n);
export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

/** "a1b2c3:42"; a dash before there is a stream. An epoch is 64 random bits: its
 * first six digits tell two apart. */
export function positionText(position) {
  if (!position || /^0*$/u.test(position.epoch)) return '–';
  return `${position.epoch.slice(0, 6)}:${position.offset}`;
}

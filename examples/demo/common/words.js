// words.js - what the connection's states, the members' states and the gaps are
// called for people. Kind decides shape and colour, so that neither is alone.

/** State of the connection: what is said, and its kind. */
export const CONNECTION = {
  idle: { words: 'Not connected', kind: 'off' },
  connecting: { words: 'Connecting', kind: 'busy' },
  authenticating: { words: 'Saying hello', kind: 'busy' },
  syncing: { words: 'Catching up', kind: 'busy' },
  ready: { words: 'Connected', kind: 'good' },
  degraded: { words: 'Connected, but slow', kind: 'warn' },
  waiting: { words: 'Connection lost', kind: 'warn' },
  suspended: { words: 'Offline', kind: 'warn' },
  closed: { words: 'Disconnected', kind: 'off' },
  failed: { words: 'Cannot connect', kind: 'bad' },
};

/** From the most to the least reachable. */
export const PRESENCE = { online: 'Online', busy: 'Busy', away: 'Away' };

/** A member may have any state; what we have no word for counts as online. */
export const presenceOf = (state) => (state in PRESENCE ? state : 'online');

/** What went wrong with something that somebody did. */
export function errorSentence({ name, message }) {
  return name === 'CLOSED' ? 'This page is disconnected. Connect, and try again.'
    : message;
}

const GAP = {
  'epoch-changed': () =>
    'The server restarted. Messages before this point may be missing.',
  trimmed: (n) => `${n} came while you were away and are no longer kept.`,
  expired: (n) => `${n} came while you were away and have expired.`,
  'over-limit': (n) => `${n} came while you were away, too many to catch up with.`,
  'permission-lost': () =>
    'Messages before this point may be missing: they are not for you to see.',
  'slow-reader': (n) => `${n} came faster than this page could read.`,
  folded: (n) => `${n} came faster than they can be shown.`,
};

/** A sentence about a gap; missing is a number, or 0 when nobody knows. */
export function gapSentence(reason, missing) {
  const some = missing === 1 ? 'One message' :
    missing > 1 ? `${missing.toLocaleString('en')} messages` : 'Some messages';
  return GAP[reason]?.(some) ?? 'Messages before this point may be missing.';
}

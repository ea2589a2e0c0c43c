// states.js - what the states of the gate are called, and how long it stays in
// those that it leaves by itself, as godwit.yaml has them.

/** How it is, how somebody brought it there, and what its button says. */
export const STATES = {
  closed: { word: 'Closed', done: 'closed it', act: 'Close' },
  open: { word: 'Open', done: 'opened it', act: 'Open' },
  locked: { word: 'Locked', done: 'locked it', act: 'Lock' },
  jammed: { word: 'Jammed', done: 'jammed it', act: 'Jam' },
};

/** A gate that nobody ever touched. */
export const INITIAL = 'closed';

/** Where it goes by itself, and after which time. */
const BY_ITSELF = {
  open: { to: 'closed', afterMs: 10_000, words: 'closes' },
  jammed: { to: 'closed', afterMs: 15_000, words: 'comes free' },
};

/** { to, afterMs, words }; undefined: it stays as it is. */
export const byItself = (state) => BY_ITSELF[state];

/** A server with other rules may tell others. */
export const stateWord = (state) => STATES[state]?.word ?? String(state);

/** What somebody did who brought it from one state into another. */
export function deed(from, to) {
  if (to === 'closed' && from === 'locked') return 'unlocked it';
  return STATES[to]?.done ?? `made it ${to}`;
}

/** What the button to a state says, by the one that the gate is in. */
export function actOf(state, to) {
  if (to === 'closed' && state === 'locked') return 'Unlock';
  if (to === 'closed' && state === 'jammed') return 'Free';
  return STATES[to].act;
}

// states.js - the states of the board and their words, as godwit.yaml lists them.

export const STATES = {
  online: 'Online',
  busy: 'Busy',
  lunch: 'At lunch',
  away: 'Away',
};

/** A server with other rules may tell others. */
export const stateWord = (state) => STATES[state] ?? state;

// main.js - the presence board: oneself, everybody by state, and a search.

import { runPiece } from '../common/piece.js';
import { BoardView } from './board-view.js';
import { FindView } from './find-view.js';
import { Self } from './self.js';

const self = new Self();
const board = new BoardView();
const find = new FindView();

/** A board is the presence of one channel. */
function enter({ client, room, sdk }) {
  const channel = `board:${room}`;
  const sub = client.subscribe(channel, { presence: true });
  const show = () => {
    const { clientId } = client.info;
    board.show(sub.members, clientId);
    self.see(sub.members.get(clientId));
  };
  sub.on('members', show);
  sub.on('presence', show);
  const stopWatching = client.on('state', show);
  self.enter(sub);
  find.enter({ client, channel, room, sdk });
  return () => {
    stopWatching();
    self.leave();
    find.leave();
    sub.unsubscribe();
    board.show(new Map(), null);
  };
}

runPiece({ piece: 'presence', title: 'Presence board', modules: ['people'],
  enter });

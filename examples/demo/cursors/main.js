// main.js - cursors: one's own is published as it moves, those of others are drawn.

import { byId, setText } from '../common/dom.js';
import { runPiece } from '../common/piece.js';
import { count, nameOf } from '../common/text.js';
import { HereView } from './here-view.js';
import { Pointer } from './pointer.js';
import { Sender } from './sender.js';
import { Stage } from './stage.js';

const stage = new Stage();
const here = new HereView();
const counts = { sent: 0, merged: 0, received: 0, skipped: 0 };
let sender = null;

new Pointer(byId('stage'), {
  onMove: (place) => sender?.move(place),
  onWave: (place) => {
    stage.wave(place, null);
    sender?.wave(place);
  },
});

function add(name, n = 1) {
  counts[name] += n;
  setText(byId(`count-${name}`), count(counts[name]));
}

function onPublication({ clientId, user, data }) {
  add('received');
  if (!isPlace(data)) return;
  stage.move(clientId, nameOf(user, clientId), data);
  here.move(clientId, data);
  if (!data.wave) return;
  stage.wave(data, clientId);
  setText(byId('waves'), `${nameOf(user, clientId)} waves.`);
}

/** What others publish is theirs to get wrong. */
const isPart = (n) => typeof n === 'number' && n >= 0 && n <= 1;
const isPlace = (data) => isPart(data?.x) && isPart(data?.y);

function enter({ client, room }) {
  const channel = `cursor:${room}`;
  // A page that does not keep up gets the newest place of each cursor.
  const sub = client.subscribe(channel,
    { presence: true, overflow: 'conflate' });
  sub.on('publication', onPublication);
  sub.on('gap', ({ from, to }) => add('skipped', to ? to - from + 1 : 0));
  const show = () => {
    const { clientId } = client.info;
    here.show(sub.members, clientId);
    stage.keep(new Set(sub.members.keys()));
    byId('stage-empty').hidden = sub.members.size > 1;
  };
  sub.on('members', show);
  sub.on('presence', ({ kind, own }) => {
    show();
    if (kind === 'enter' && !own) sender?.again();
  });
  sub.enter();
  sender = new Sender(client, channel, add);
  return () => {
    sender.stop();
    sender = null;
    sub.unsubscribe();
    stage.keep(new Set());
    here.show(new Map(), null);
  };
}

runPiece({ piece: 'cursors', title: 'Cursors', enter });

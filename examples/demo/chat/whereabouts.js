// whereabouts.js - rooms and clubs, as the URL's hash and the server name them:
//
//    #lobby        room lobby    channel room:lobby
//    #club/board   club board    channel club:board, whose group is club:board

import { cleanRoom } from '../common/text.js';

const CLUB = 'club/';

/** { kind: 'room' or 'club', name }; the name is empty when the hash has none. */
export function placeOfUrl() {
  let text = '';
  try {
    text = decodeURIComponent(location.hash.slice(1));
  } catch {
    // a stray % in the hash
  }
  return text.startsWith(CLUB)
    ? { kind: 'club', name: cleanRoom(text.slice(CLUB.length)) }
    : { kind: 'room', name: cleanRoom(text) };
}

export const hashOf = ({ kind, name }) =>
  `#${kind === 'club' ? CLUB : ''}${encodeURIComponent(name)}`;

export const channelOf = ({ kind, name }) => `${kind}:${name}`;

export const isSame = (a, b) => channelOf(a) === channelOf(b);

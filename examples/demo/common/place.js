// place.js - the room that the URL's hash names, and what it says besides:
// #lobby?state=busy. So a link leads to what one sees.

import { cleanRoom } from './text.js';

export const DEFAULT_ROOM = 'lobby';

/** { room, params }: room is empty when the hash names none. */
export function readPlace() {
  const [name, query = ''] = location.hash.slice(1).split('?');
  let room = '';
  try {
    room = cleanRoom(decodeURIComponent(name));
  } catch {
    // a stray % in the hash
  }
  return { room, params: new URLSearchParams(query) };
}

/** The hash of a room, with those of the entries that say something. */
export function hashOf(room, entries = {}) {
  const params = new URLSearchParams(
    Object.entries(entries).filter(([, value]) => value !== ''));
  return `#${encodeURIComponent(room)}${params.size ? `?${params}` : ''}`;
}

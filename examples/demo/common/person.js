// person.js - who this tab is: a name that all pieces of the gallery share, each
// tab its own, so that two tabs are two people.

import { cleanName } from './text.js';

const NAME_KEY = 'godwit-demo-name';

/** Waders, for those who have not told a name yet. */
const BIRDS = ['Avocet', 'Curlew', 'Dunlin', 'Knot', 'Lapwing', 'Plover',
  'Redshank', 'Ruff', 'Sanderling', 'Snipe', 'Stilt', 'Turnstone', 'Whimbrel'];

/** The name that was told in this tab; empty before. */
export const toldName = () => cleanName(sessionStorage.getItem(NAME_KEY));

export function tellName(name) {
  sessionStorage.setItem(NAME_KEY, name);
}

/** The name that was told, or a bird's, which is kept. */
export function ownName() {
  const told = toldName();
  if (told) return told;
  const [bird, number] = crypto.getRandomValues(new Uint16Array(2));
  const name = `${BIRDS[bird % BIRDS.length]} ${number % 90 + 10}`;
  tellName(name);
  return name;
}

// directory.js - who is at which piece of the gallery, and in which room of it:
// one channel, in whose presence every page says where it is.

const CHANNEL = 'gallery:places';

export class Directory {
  #sub;
  #place = null;

  /** onChange(places) gets { piece, room, kind, user } of each window, if there
   * is somebody who wants to know. */
  constructor(client, onChange = null) {
    const sub = client.subscribe(CHANNEL, { presence: onChange !== null });
    this.#sub = sub;
    const tell = () => onChange?.(
      [...sub.members.values()].filter(({ data }) => data)
        .map(({ user, data }) => ({ ...data, user })));
    sub.on('members', tell);
    sub.on('presence', tell);
  }

  /** This page is here: { piece, room, kind }. */
  tell(place) {
    const next = JSON.stringify(place);
    if (next === this.#place) return;
    this.#place = next;
    this.#sub.enter('online', place);
  }
}

/** How many different people a list of places has. */
export const numPeople = (places) =>
  new Set(places.map(({ user }) => user)).size;

// club.js - a club: a group on the server, whose members' roles say what they may
// in the channel of the same name, and a door in front of it.
//
//    asking -> inside     has a role
//           -> waiting    has none: is seen at the door, until a keeper opens
//           -> closed     there is no such group, or no longer
//
// The door is a channel that anybody may subscribe to. Who waits, and who may
// open, is in its presence; a publication there says that roles have changed, and
// everybody looks again at what its own is. Whether it is so is the server's word,
// which ends the subscription to the club of whoever lost the right to it.

import { ROLES } from './roles.js';

/** Members that are shown. */
const MEMBERS_MAX = 200;

export class Club {
  /** asking, inside, waiting or closed. */
  state = 'asking';
  role = null;
  /** user -> role, while inside. */
  members = new Map();
  #permissions = [];
  #client;
  #groups;
  #name;
  #user;
  #door;
  #onChange;
  #onNotice;
  #isLooking = false;
  #isLeft = false;
  #looksAgain = false;

  /** groups: of the SDK; onChange() is called when something is different;
   * onNotice(text) tells what became of other members. */
  constructor({ client, groups, name, user, onChange, onNotice }) {
    this.#client = client;
    this.#groups = groups;
    this.#name = `club:${name}`;
    this.#user = user;
    this.#onChange = onChange;
    this.#onNotice = onNotice;
    this.#door = client.subscribe(`door:${name}`, { presence: true });
    this.#door.on('publication', () => this.look());
    this.#door.on('members', () => this.#tell());
    this.#door.on('presence', () => this.#tell());
    this.look();
  }

  get mayManage() {
    return this.#permissions.includes('manage');
  }

  get mayPublish() {
    return this.#permissions.includes('publish');
  }

  /** Users at the door, and those who could open it. */
  get waiting() {
    return this.#atDoor('waiting').filter((user) => !this.members.has(user));
  }

  get keepers() {
    return this.#atDoor('keeper');
  }

  #atDoor(state) {
    const there = [...this.#door.members.values()];
    return [...new Set(there.filter((m) => m.state === state)
      .map(({ user }) => user))].sort();
  }

  /** Ask the server what this user's role is; again, when asked meanwhile. */
  async look() {
    this.#looksAgain = this.#isLooking;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#ask();
    } catch (error) {
      // Without a connection: whoever sees it come back looks again.
      if (error.name === 'NO_SUCH_GROUP') await this.#onNoGroup();
    } finally {
      this.#isLooking = false;
    }
    if (this.#isLeft) return;
    this.#tell();
    if (this.#looksAgain) await this.look();
  }

  async #ask() {
    const role = await this.#groups.roleOf(this.#name, this.#user);
    if (role === null) {
      this.#become('waiting');
      return;
    }
    const group = await this.#groups.get(this.#name, { limit: MEMBERS_MAX });
    this.#takeMembers(new Map(group.members.map((m) => [m.user, m.role])));
    this.role = role;
    this.#permissions =
      group.roles.find((r) => r.role === role)?.permissions ?? [];
    this.#become('inside');
  }

  /** Nobody has opened it: the first one does. After a restart of the server,
   * which forgets groups, it is for its owner to make it again as it was. */
  async #onNoGroup() {
    const isOwners = this.role === 'owner';
    if (this.state !== 'asking' && !isOwners) {
      this.#become('closed');
      return;
    }
    await this.open();
  }

  /** Make the group, with the members that are known. */
  async open() {
    const members = this.role === 'owner'
      ? [...this.members].map(([user, role]) => ({ user, role })) : [];
    try {
      await this.#groups.create(this.#name, { roles: ROLES, members });
      this.#tellOthers();
    } catch (error) {
      // Somebody was quicker, or the rules of this server let nobody.
      if (error.name !== 'GROUP_EXISTS') {
        this.#become('closed');
        this.#notice(`The club was not opened: ${error.message}`);
        return;
      }
    }
    this.#looksAgain = true;
    if (!this.#isLooking) await this.look();
  }

  /** Give somebody a role, who is thereby let in. */
  async give(user, role) {
    await this.#change(() => this.#groups.add(this.#name, user, role));
  }

  async remove(user) {
    await this.#change(() => this.#groups.remove(this.#name, user));
  }

  async #change(change) {
    try {
      await change();
    } catch (error) {
      this.#notice(`That was not done: ${error.message}`);
    }
    this.#tellOthers();
    await this.look();
  }

  leave() {
    this.#isLeft = true;
    this.#door.unsubscribe();
  }

  #tellOthers() {
    this.#door.publish({ changed: true }, { echo: false, atMostOnce: true })
      .catch(() => {}); // they look again when they come back
  }

  #takeMembers(members) {
    const before = this.members;
    this.members = members;
    if (this.state !== 'inside') return;
    for (const [user, role] of members) {
      if (before.get(user) === role) continue;
      this.#notice(before.has(user) ? `${user} is now ${role}.`
        : `${user} was let in as ${role}.`);
    }
    for (const user of before.keys()) {
      if (!members.has(user)) this.#notice(`${user} was removed.`);
    }
  }

  #become(state) {
    if (this.#isLeft) return;
    this.state = state;
    if (state === 'waiting') {
      this.role = null;
      this.#permissions = [];
      this.#door.enter('waiting');
    } else if (state === 'inside' && this.mayManage) {
      this.#door.enter('keeper');
    } else {
      this.#door.leave();
    }
  }

  #tell() {
    if (!this.#isLeft) this.#onChange();
  }

  #notice(text) {
    if (!this.#isLeft) this.#onNotice(text);
  }
}

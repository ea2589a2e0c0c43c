// roles.js - the roles that a club's group has, and their words for people.

const READ = ['read', 'presence', 'history', 'members'];
const WRITE = [...READ, 'publish', 'send'];
const KEEP = [...WRITE, 'manage'];

/** Who makes the group gets the first that may manage it. */
export const ROLES = [
  { role: 'owner', permissions: KEEP },
  { role: 'moderator', permissions: KEEP },
  { role: 'member', permissions: WRITE },
  { role: 'reader', permissions: READ },
];

/** What a keeper of the door may give, with its words. */
export const GIVEN = {
  moderator: 'Moderator',
  member: 'Member',
  reader: 'Reader',
};

const WORDS = { owner: 'Owner', ...GIVEN };

/** A group may have been made elsewhere, with other roles. */
export const roleWord = (role) => WORDS[role] ?? role;

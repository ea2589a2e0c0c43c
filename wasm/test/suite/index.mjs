// SPDX-License-Identifier: MIT
// index.mjs - every case that runs against a fake server, in Node and in pages.

import { cases as bugClasses } from './bug-classes.mjs';
import { cases as channels } from './channels.mjs';
import { cases as connection } from './connection.mjs';
import { cases as ends } from './ends.mjs';
import { cases as events } from './events.mjs';
import { cases as lite } from './lite.mjs';
import { cases as people } from './people.mjs';
import { cases as presence } from './presence.mjs';
import { cases as publish } from './publish.mjs';
import { cases as state } from './state.mjs';
import { cases as subscription } from './subscription.mjs';
import { cases as token } from './token.mjs';

/** Cases of a feature that is not in `godwit/lite`. */
const full = (list) => list.map((each) => ({ ...each, isLite: false }));

const families = {
  connection, subscription, publish, channels, token, lite, state, ends,
  presence: full(presence), people: full(people), events: full(events),
  'bug classes': bugClasses,
};

export const cases = Object.entries(families).flatMap(([family, list]) =>
  list.map((each) => ({ ...each, name: `${family}: ${each.name}` })));

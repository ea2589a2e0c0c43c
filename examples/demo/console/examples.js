// examples.js - calls to begin with.

/** Each: a title, a method and its argument; `other`: to another window. */
export const examplesOf = (room, user) => [
  { title: 'Who is here?', method: 'godwit.presence',
    data: { channel: `console:${room}` } },
  { title: 'How many are here?', method: 'godwit.presence_stats',
    data: { channel: `console:${room}` } },
  { title: 'What was written in the lobby?', method: 'godwit.history',
    data: { channel: 'room:lobby', limit: 5 } },
  { title: 'Where am I?', method: 'godwit.presence_of', data: { user } },
  { title: 'My groups', method: 'godwit.groups', data: { user } },
  { title: 'A method that there is not', method: 'no.such.method', data: null },
  { title: 'A group that is not mine', method: 'godwit.group_delete',
    data: { group: 'club:of-somebody-else' } },
  { title: 'Another window: echo', method: 'echo', other: true,
    data: { hello: 'there' } },
  { title: 'Another window: add numbers', method: 'add', other: true,
    data: [1, 2, 39] },
  { title: 'Another window: ask the person', method: 'ask', other: true,
    data: 'Is it raining where you are?' },
  { title: 'Another window: too slow for a patience of 1 s', method: 'slow',
    other: true, data: null, timeoutMs: 1000 },
  { title: 'Another window: refused for now', method: 'refuse', other: true,
    data: null },
];

// SPDX-License-Identifier: MIT
// clients.mjs - the clients that are compared, each as its documentation shows:
// connected, subscribed, and each object handed to a function. Runs in pages and
// in Node.
//
// A client is opened with { lib, url, channel, WebSocket, onData, mark }: its module;
// where it is sent publications, and of which channel; npm's ws in Node; who takes
// the objects; who is told when it is 'compiled' and 'connected'. It returns a
// function that ends it.

/** Each client has its own: a real server sends to all who are subscribed. */
export const channelOf = (name) => `bench:${name}`;

function openBare({ url, WebSocket, onData, mark }) {
  mark('compiled');
  const ws = new WebSocket(url);
  ws.onopen = () => mark('connected');
  ws.onmessage = ({ data }) => onData(JSON.parse(data));
  return () => ws.close();
}

/** The least that a client of a binary protocol can do. */
function openBinary({ url, WebSocket, onData, mark }) {
  mark('compiled');
  const decoder = new TextDecoder();
  const ws = new WebSocket(url);
  // npm's ws makes an ArrayBuffer by copying.
  if (ws.binaryType !== 'nodebuffer') ws.binaryType = 'arraybuffer';
  ws.onopen = () => mark('connected');
  ws.onmessage = ({ data }) => onData(JSON.parse(decoder.decode(data)));
  return () => ws.close();
}

function openSocketIo({ lib, url, onData, mark }) {
  const { origin, pathname } = new URL(url.replace(/^ws/, 'http'));
  mark('compiled');
  const socket = lib.io(origin, { path: pathname, transports: ['websocket'] });
  socket.on('connect', () => mark('connected'));
  socket.on('m', onData);
  return () => socket.close();
}

function openCentrifuge({ lib, url, channel, WebSocket, mark }, onPublication) {
  mark('compiled');
  const centrifuge = new lib.Centrifuge(url, { websocket: WebSocket });
  const room = centrifuge.newSubscription(channel);
  room.on('subscribed', () => mark('connected'));
  room.on('publication', onPublication);
  room.subscribe();
  centrifuge.connect();
  return () => centrifuge.disconnect();
}

function openCentrifugeJson(how) {
  return openCentrifuge(how, ({ data }) => how.onData(data));
}

/** Its data are bytes, whatever they hold. */
function openCentrifugeProtobuf(how) {
  const decoder = new TextDecoder();
  return openCentrifuge(how,
    ({ data }) => how.onData(JSON.parse(decoder.decode(data))));
}

function openGodwit({ lib, url, channel, WebSocket, onData, mark }) {
  const client = new lib.Client(url, { WebSocket });
  const end = client.on('state', ({ to }) => {
    if (to === 'connecting') mark('compiled');
    if (to !== 'ready') return;
    mark('connected');
    end();
  });
  client.connect();
  const room = client.subscribe(channel);
  room.on('publication', ({ data }) => onData(data));
  return () => client.free();
}

/** By name: the wire of the blaster, the package of npm, and how to open it. */
export const clients = {
  bare: { wire: 'bare', npm: null, open: openBare },
  binary: { wire: 'binary', npm: null, open: openBinary },
  socketio: { wire: 'socketio', npm: 'socket.io-client', open: openSocketIo },
  centrifuge: {
    wire: 'centrifuge', npm: 'centrifuge', open: openCentrifugeJson,
  },
  'centrifuge-protobuf': {
    wire: 'centrifuge-protobuf', npm: 'centrifuge/build/protobuf',
    open: openCentrifugeProtobuf,
  },
  godwit: { wire: 'godwit', npm: null, open: openGodwit },
  'godwit-lite': { wire: 'godwit', npm: null, open: openGodwit },
  'godwit-plain': { wire: 'godwit', npm: null, open: openGodwit },
};

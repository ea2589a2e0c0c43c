// SPDX-License-Identifier: MIT
// socketio.mjs - rooms of socket.io, over WebSocket only. Run by node:
// socketio.mjs PORT
import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(process.env.GODWIT_BENCH_MODULES + "/");
const { Server } = require("socket.io");

const http = createServer();
const io = new Server(http, {
  httpCompression: false,
  perMessageDeflate: false,
  serveClient: false,
  transports: ["websocket"],
});

io.on("connection", (socket) => {
  socket.on("s", (room, done) => {
    socket.join(room);
    done();
  });
  socket.on("p", (room, payload) => io.to(room).emit("m", payload));
  socket.on("e", (payload) => socket.emit("m", payload));
});

http.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });

// SPDX-License-Identifier: MIT
// bundles.mjs - builds what a page loads of each peer, as an application's
// bundler would, and tells the bytes of all after gzip -9.
//
//   node bundles.mjs MODULES OUT

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../', import.meta.url);
const { build } = createRequire(new URL('wasm/', root))('esbuild');
const [modules, out] = process.argv.slice(2);

const PEERS = {
  socketio: 'export { io } from "socket.io-client"',
  centrifuge: 'export { Centrifuge } from "centrifuge"',
  'centrifuge-protobuf':
    'export { Centrifuge } from "centrifuge/build/protobuf"',
};
const dist = (name) => fileURLToPath(new URL(`wasm/dist/${name}`, root));
const files = {
  godwit: [dist('index.js'), dist('godwit.wasm')],
  'godwit-lite': [dist('lite.js'), dist('godwit-lite.wasm')],
  'godwit-plain': [dist('plain.js')],
};

for (const [name, contents] of Object.entries(PEERS)) {
  const outfile = `${out}/${name}.js`;
  await build({
    stdin: { contents, resolveDir: modules }, outfile, bundle: true,
    format: 'esm', minify: true, target: 'es2022', logLevel: 'error',
  });
  files[name] = [outfile];
}
const zipped = (file) => execFileSync('gzip', ['-9nc', file]).length;
const sizes = Object.entries(files).map(([name, list]) =>
  [name, list.reduce((sum, file) => sum + zipped(file), 0)]);
console.log(JSON.stringify(Object.fromEntries(sizes)));

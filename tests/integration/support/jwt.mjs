// SPDX-License-Identifier: MIT
// jwt.mjs - tokens made by Node's own crypto, and a server of their keys: another
// implementation than the one under test.

import crypto from "node:crypto";
import http from "node:http";

export const SECRET = "a secret of more than 32 characters, for tests";

const HASHES = { 256: "sha256", 384: "sha384", 512: "sha512" };
const CURVES = { ES256: "P-256", ES384: "P-384", ES512: "P-521" };
/** Every algorithm that the server takes. */
export const ALGORITHMS = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512",
  "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/** A pair of keys for an algorithm, or the secret. */
export function keysFor(alg) {
  if (alg.startsWith("HS"))
    return { privateKey: crypto.createSecretKey(Buffer.from(SECRET)) };
  if (alg === "EdDSA") return crypto.generateKeyPairSync("ed25519");
  if (alg.startsWith("ES"))
    return crypto.generateKeyPairSync("ec", { namedCurve: CURVES[alg] });
  return crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
}

export function jwkOf({ publicKey }, fields) {
  return { ...publicKey.export({ format: "jwk" }), ...fields };
}

function signature(alg, key, data) {
  const hash = HASHES[alg.slice(2)];
  if (alg.startsWith("HS"))
    return crypto.createHmac(hash, key).update(data).digest();
  if (alg === "EdDSA") return crypto.sign(null, data, key);
  if (alg.startsWith("ES"))
    return crypto.sign(hash, data, { key, dsaEncoding: "ieee-p1363" });
  if (alg.startsWith("RS")) return crypto.sign(hash, data, key);
  return crypto.sign(hash, data, {
    key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING,
    saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST,
  });
}

const base64url = (value) =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

/** Seconds since 1970, some seconds from now. */
export const seconds = (from = 0) => Date.now() / 1000 + from;

/** A token; by default of the secret, good for a minute. */
export function sign(claims, options = {}) {
  const { alg = "HS256", kid, key = Buffer.from(SECRET), header = {} } = options;
  const payload = { iat: seconds(), exp: seconds(60), ...claims };
  const text = `${base64url({ alg, ...(kid ? { kid } : {}), ...header })}.` +
    base64url(payload);
  return `${text}.${signature(alg, key, Buffer.from(text)).toString("base64url")}`;
}

/** Serves a set of keys, as its fields say. */
export class KeyServer {
  keys = [];
  headers = {};
  status = 200;
  /** What is sent instead of the keys. */
  body = null;
  /** Resolves before an answer is sent. */
  gate = null;
  requests = 0;
  #server = http.createServer(async (request, response) => {
    this.requests++;
    await this.gate;
    response.writeHead(this.status,
      { "content-type": "application/json", ...this.headers });
    response.end(this.body ?? JSON.stringify({ keys: this.keys }));
  });

  async start() {
    await new Promise((r) => this.#server.listen(0, "127.0.0.1", r));
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/keys.json`;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

// SPDX-License-Identifier: MIT
// certificate.mjs - certificates of a test's own, made by the openssl program.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const LOCAL = "DNS:localhost,IP:127.0.0.1";

function openssl(...args) {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** A folder with certificates, gone when the process is. */
export class Certificates {
  #folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-cert-"));

  constructor() {
    process.on("exit", () =>
      fs.rmSync(this.#folder, { recursive: true, force: true }));
  }

  path(name) {
    return path.join(this.#folder, name);
  }

  /** A certificate that signs itself: { cert, key } as paths, ca as text. kind:
   * "ec" or "rsa"; names: the hosts that it is for. */
  make(name, { kind = "ec", names = LOCAL } = {}) {
    const cert = this.path(`${name}.pem`), key = this.path(`${name}-key.pem`);
    const options = kind === "rsa" ? ["-newkey", "rsa:2048"]
      : ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    openssl("req", "-x509", "-nodes", ...options, "-keyout", key, "-out", cert,
      "-days", "30", "-subj", `/CN=${name}`, "-addext",
      `subjectAltName=${names}`);
    return { cert, key, ca: fs.readFileSync(cert, "utf8") };
  }

  /** One of the past: `openssl ca` is what takes dates. */
  makeExpired(name) {
    const request = this.path(`${name}.csr`), cert = this.path(`${name}.pem`);
    const key = this.path(`${name}-key.pem`), config = this.path("ca.conf");
    fs.writeFileSync(this.path("index.txt"), "");
    fs.writeFileSync(config, `[ca]\ndefault_ca = own\n[own]\n` +
      `database = ${this.path("index.txt")}\nnew_certs_dir = ${this.#folder}\n` +
      `rand_serial = yes\ndefault_md = sha256\npolicy = any\n` +
      `[any]\ncommonName = supplied\n`);
    openssl("req", "-new", "-nodes", "-newkey", "rsa:2048", "-keyout", key,
      "-out", request, "-subj", `/CN=${name}`);
    openssl("ca", "-batch", "-notext", "-selfsign", "-config", config,
      "-keyfile", key, "-in", request, "-out", cert,
      "-startdate", "20200101000000Z", "-enddate", "20200201000000Z");
    return { cert, key };
  }
}

/** The flags of a server that shows it. */
export function flagsOf({ cert, key }) {
  return ["--tls.cert", cert, "--tls.key", key];
}

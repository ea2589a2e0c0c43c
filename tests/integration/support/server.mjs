// SPDX-License-Identifier: MIT
// server.mjs - the real binary on free ports, with its log at hand when a test
// fails, and a leak or a race of its teardown counted as a failure.

import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { RawWebSocket, within } from "./websocket.mjs";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)),
  "../../..");
export const BINARY = path.resolve(
  process.env.GODWIT_BIN ?? path.join(ROOT, "build/san/godwit"));

/** The build without sanitizers. */
export const RELEASE = path.resolve(
  process.env.GODWIT_RELEASE ?? path.join(ROOT, "build/godwit"));

/** A sanitizer's findings have exit codes of their own. */
export const SANITIZER_ENV = {
  ASAN_OPTIONS: "detect_leaks=1:abort_on_error=0:exitcode=86",
  UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1:exitcode=87",
  TSAN_OPTIONS: "halt_on_error=1:second_deadlock_stack=1:exitcode=88",
};
const START_MS = 15000;
const STOP_MS = 20000;
const LOG_AT_MOST = 16000;

export class Server {
  log = "";
  output = "";
  port = 0;
  internal = 0;
  exited;
  #process;
  #folder;
  #files = [];

  /** args: flags of `godwit serve`; fds: a limit of file descriptors; memory: of
   * address space, in bytes; binary: another build; out, err: files that it has
   * in place of our pipes. */
  static async start({ args = [], workers = 2, port = 0, fds, memory, binary,
    env = {}, out, err } = {}) {
    const server = new Server();
    server.#files = [out, err];
    await server.#start(args, workers, port,
      [fds ? `ulimit -n ${fds}` : "",
        memory ? `ulimit -v ${Math.ceil(memory / 1024)}` : ""].filter(Boolean),
      binary ?? BINARY, env);
    return server;
  }

  /** Run the binary to its end: { code, output, log }. */
  static async run(args, env = {}) {
    const server = new Server();
    server.#spawn(BINARY, args, env);
    const code = await within(START_MS, `godwit ${args.join(" ")}`,
      server.exited);
    server.#clean();
    return { code, output: server.output, log: server.log };
  }

  async #start(args, workers, port, limits, binary, env) {
    const flags = ["serve", "--listen.public", `localhost:${port}`,
      "--listen.internal", "127.0.0.1:0", "--workers", String(workers)];
    // A folder of its own keeps a godwit.yaml of the developer out.
    this.#folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-test-"));
    const file = path.join(this.#folder, "ports");
    flags.push("--port-file", file, ...args);
    if (limits.length)
      this.#spawn("/bin/sh", ["-c", `${limits.join(" && ")} && exec "$0" "$@"`,
        binary, ...flags], env);
    else this.#spawn(binary, flags, env);
    const deadline = Date.now() + START_MS;
    const hasBegun = () => fs.existsSync(file) &&
      (this.#files[0] || this.output.includes("\n"));
    while (!hasBegun()) {
      const code = await Promise.race(
        [this.exited, new Promise((r) => setTimeout(r, 10, null))]);
      if (code !== null || Date.now() > deadline) {
        this.#process.kill("SIGKILL");
        this.#clean();
        throw new Error(`the server did not start (${code}):\n${this.log}`);
      }
    }
    const ports = JSON.parse(fs.readFileSync(file, "utf8"));
    this.port = ports.public;
    this.internal = ports.internal;
  }

  #spawn(command, args, env) {
    this.#folder ??= fs.mkdtempSync(path.join(os.tmpdir(), "godwit-test-"));
    const fds = this.#files.map((file) => file && fs.openSync(file, "a"));
    this.#process = spawn(command, args, {
      cwd: this.#folder, stdio: ["ignore", fds[0] ?? "pipe", fds[1] ?? "pipe"],
      env: { ...process.env, ...SANITIZER_ENV, ...env },
    });
    for (const fd of fds) if (fd !== undefined) fs.closeSync(fd);
    this.#process.stdout?.on("data", (d) => (this.output += d));
    this.#process.stderr?.on("data", (d) => (this.log += d));
    this.exited = new Promise((resolve) => {
      this.#process.on("close", (code, signal) => resolve(signal ?? code));
    });
  }

  #clean() {
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }

  get pid() {
    return this.#process.pid;
  }

  signal(name) {
    this.#process.kill(name);
  }

  /** Drain and end: the exit code. */
  async stop(signal = "SIGTERM", ms = STOP_MS) {
    this.#process.kill(signal);
    const code = await within(ms, "the end of the server", this.exited)
      .catch((error) => {
        this.#process.kill("SIGKILL");
        throw error;
      });
    this.#clean();
    return code;
  }

  /** Stop, which has to be a clean end without a finding of a sanitizer. A failure
   * carries the log. */
  async end() {
    try {
      const code = await this.stop();
      if (code !== 0) throw new Error(`the server ended with ${code}`);
    } catch (error) {
      throw this.giveUp(error);
    }
  }

  /** End at once what is left after a failure; the failure, with the log. */
  giveUp(error) {
    this.signal("SIGKILL");
    RawWebSocket.destroyAll();
    const log = `\n--- the server's log ---\n${this.log.slice(-LOG_AT_MOST)}`;
    error.message += log;
    if (error.stack) error.stack += log;
    return error;
  }

  async kill() {
    this.#process.kill("SIGKILL");
    await this.exited;
    this.#clean();
  }

  /** Lines of the log with an event, as far as they have come: what the server
   * answers and what it logs are on different ways here. */
  events(name) {
    return this.log.split("\n").filter((l) => l.split(" ")[2] === name);
  }

  /** Wait until a line of the log matches. */
  async logged(pattern, ms = 5000) {
    const deadline = Date.now() + ms;
    while (!pattern.test(this.log)) {
      if (Date.now() > deadline) throw new Error(`not logged: ${pattern}`);
      await new Promise((r) => setTimeout(r, 10));
    }
  }

  /** Wait until so many lines of the log have an event; there may be no more. */
  async loggedTimes(name, num, ms = 5000) {
    const deadline = Date.now() + ms;
    while (this.events(name).length < num) {
      if (Date.now() > deadline)
        throw new Error(`logged ${this.events(name).length} times: ${name}`);
      await new Promise((r) => setTimeout(r, 10));
    }
    if (this.events(name).length !== num)
      throw new Error(`logged more than ${num} times: ${name}`);
  }

  /** A counter or gauge of /metrics. */
  async metric(name) {
    const { body } = await get(this.internal, "/metrics");
    const line = body.split("\n").find((l) => l.startsWith(name + " "));
    if (!line) throw new Error(`there is no metric ${name}`);
    return Number(line.slice(name.length + 1));
  }

  /** Wait until a metric passes a test. */
  async until(name, test, ms = 5000) {
    const deadline = Date.now() + ms;
    for (;;) {
      const value = await this.metric(name);
      if (test(value)) return value;
      if (Date.now() > deadline) throw new Error(`${name} stays at ${value}`);
      await new Promise((r) => setTimeout(r, 20));
    }
  }
}

/** One HTTP request: { status, headers, body }. The path goes out as it is;
 * bodyBytes, if given, behind its headers. */
export function get(port, path_, { bodyBytes, ...options } = {}) {
  return within(10000, `GET ${path_}`, new Promise((resolve, reject) => {
    const request = http.request({
      port, host: "127.0.0.1", path: path_, agent: false, ...options,
    }, (response) => {
      const parts = [];
      response.on("data", (d) => parts.push(d));
      response.on("end", () => resolve({
        status: response.statusCode, headers: response.headers,
        body: Buffer.concat(parts).toString(),
      }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(bodyBytes);
  }));
}

/** Runs fn(server) and stops the server, which has to end cleanly and without a
 * finding of a sanitizer. A failure carries the server's log. */
export async function withServer(options, fn) {
  const server = await Server.start(options);
  try {
    await fn(server);
  } catch (error) {
    throw server.giveUp(error);
  }
  await server.end();
}

// SPDX-License-Identifier: MIT
// cli.mjs - subcommands of the binary that are clients.

import { spawn, spawnSync } from "node:child_process";
import os from "node:os";
import { BINARY } from "./server.mjs";
import { within } from "./websocket.mjs";

const SANITIZER_ENV = {
  ASAN_OPTIONS: "detect_leaks=1:abort_on_error=0:exitcode=86",
  UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1:exitcode=87",
};
const END_MS = 30000;

const urlOf = (server) =>
  ({ GODWIT_URL: `ws://localhost:${server.port}/v1/ws` });

export class Command {
  out = "";
  err = "";
  /** Exit code, or the name of the signal that ended it. */
  exited;
  #process;

  /** server: whose public port to use, if any; input: text for the standard
   * input, which is closed after it, or "open"; stdin: a descriptor for it. */
  constructor(args, { server, input, stdin, env = {}, cwd = os.tmpdir() } = {}) {
    const url = server && urlOf(server);
    this.#process = spawn(BINARY, args, {
      cwd,
      stdio: [stdin ?? (input === undefined ? "ignore" : "pipe"), "pipe", "pipe"],
      env: { ...process.env, TZ: "UTC", ...SANITIZER_ENV, ...url, ...env },
    });
    this.#process.stdout.on("data", (d) => (this.out += d));
    this.#process.stderr.on("data", (d) => (this.err += d));
    this.#process.stdin?.on("error", () => {});
    if (input !== undefined && input !== "open") this.#process.stdin.end(input);
    this.exited = new Promise((resolve) => {
      this.#process.on("close", (code, signal) => resolve(signal ?? code));
    });
  }

  write(text) {
    this.#process.stdin.write(text);
  }

  signal(name) {
    this.#process.kill(name);
  }

  /** Nobody reads its output any more. */
  hangUp() {
    this.#process.stdout.destroy();
  }

  get lines() {
    return this.out.split("\n").filter((line) => line !== "");
  }

  /** Wait until the output, or what tells errors, is as wanted. */
  async until(test, what = String(test), ms = 15000) {
    const deadline = Date.now() + ms;
    while (!test(this)) {
      if (Date.now() > deadline) {
        this.signal("SIGKILL");
        throw new Error(`not seen: ${what}\n--- out\n${this.out}\n--- err\n` +
          this.err);
      }
      await new Promise((r) => setTimeout(r, 10));
    }
  }

  async live(channel) {
    await this.until((c) => c.err.includes(`${channel}: live at `));
  }

  /** Its end: the exit code. */
  end(ms = END_MS) {
    return within(ms, "the end of the command", this.exited).catch((error) => {
      this.signal("SIGKILL");
      error.message += `\n--- out\n${this.out}\n--- err\n${this.err}`;
      throw error;
    });
  }
}

/** Run to the end while nothing else happens in this process. */
export function runNow(args, { server, input }) {
  const { status, stderr } = spawnSync(BINARY, args, {
    input,
    env: { ...process.env, ...SANITIZER_ENV, ...urlOf(server) },
    timeout: END_MS,
  });
  if (status !== 0) throw new Error(`exit code ${status}: ${stderr}`);
}

/** Run to the end: { code, out, err, lines }. */
export async function run(args, options) {
  const command = new Command(args, options);
  const code = await command.end();
  return { code, out: command.out, err: command.err, lines: command.lines };
}

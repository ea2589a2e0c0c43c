// SPDX-License-Identifier: MIT
// wall_clock.mjs - a wall clock for one process, which steps when a test says so.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { SANITIZER_ENV } from "./server.mjs";

const SOURCE = fileURLToPath(new URL("clock_shift.c", import.meta.url));

export class WallClock {
  #folder = fs.mkdtempSync(path.join(os.tmpdir(), "godwit-clock-"));
  #file = path.join(this.#folder, "shift");
  #library = path.join(this.#folder, "clock_shift.so");

  constructor() {
    this.step(0);
    execFileSync(process.env.CC || "cc", ["-std=c11", "-D_GNU_SOURCE", "-O1",
      "-shared", "-fPIC", SOURCE, "-o", this.#library]);
  }

  /** For the process: it has to start with this. */
  get env() {
    return {
      LD_PRELOAD: this.#library, CLOCK_SHIFT: this.#file,
      /* The library stands in front of the sanitizer's own, and may. */
      ASAN_OPTIONS: `${SANITIZER_ENV.ASAN_OPTIONS}:verify_asan_link_order=0`,
    };
  }

  /** Seconds by which the process is ahead from now on. */
  step(seconds) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    /* In place: the process has the file mapped. */
    const fd = fs.openSync(this.#file, fs.constants.O_WRONLY |
      fs.constants.O_CREAT);
    fs.writeSync(fd, bytes, 0, 8, 0);
    fs.closeSync(fd);
  }

  remove() {
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}

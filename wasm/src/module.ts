// SPDX-License-Identifier: MIT
// module.ts - an instance of the core, WebAssembly or plain: its memory and its
// functions.

import { fromUtf8 } from './bytes.js';
import { importsFor, type Host, type Imports } from './imports.js';

/** Functions of wasm/bridge.c. A handle is the address of a client. */
export interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  _initialize?(): void;
  input(len: number): number;
  create(id: number): number;
  destroy(handle: number): void;
  connect(handle: number): number;
  close(handle: number): void;
  on_open(handle: number, generation: number): void;
  on_data(handle: number, generation: number, len: number): void;
  on_closed(handle: number, generation: number, code: number,
    reasonLen: number): void;
  on_timer(handle: number): void;
  on_wake(handle: number, why: number): void;
  subscribe(handle: number, channelLen: number, flags: number,
    epochLow: number, epochHigh: number, offsetLow: number,
    offsetHigh: number): number;
  unsubscribe(handle: number, sub: number): number;
  position(handle: number, sub: number): void;
  publish(handle: number, channelLen: number, type: number,
    payloadLen: number, flags: number, ttlMs: number, epochLow: number,
    epochHigh: number, offsetLow: number, offsetHigh: number): number;
  restore(handle: number, len: number): number;
  presence_set(handle: number, sub: number, stateLen: number, type: number,
    payloadLen: number): number;
  presence_leave(handle: number, sub: number): number;
  presence_get(handle: number, channelLen: number): number;
  call(handle: number, methodLen: number, type: number, payloadLen: number,
    timeoutMs: number, toLow: number, toHigh: number): number;
  answer(handle: number, call: number, code: number, reasonLen: number,
    type: number, payloadLen: number): number;
  set_retry(handle: number): void;
  set_token(handle: number, len: number): number;
  info(handle: number): void;
}

/** Makes an instance. */
export type Instantiate = (imports: Imports) => Promise<Exports>;

export class Module {
  exports!: Exports;
  /** Clients by the number that they were given. */
  readonly hosts = new Map<number, Host>();
  /** It trapped: what it holds is not good any more. */
  isBroken = false;
  #lastId = 0;
  #u8 = new Uint8Array(0);
  #u32 = new Uint32Array(0);
  #f64 = new Float64Array(0);
  #inputAt = 0;
  #inputCap = 0;

  static async load(instantiate: Instantiate): Promise<Module> {
    const module = new Module();
    module.exports = await instantiate(importsFor(module));
    // A module without a main function has its constructors here.
    module.exports._initialize?.();
    return module;
  }

  /** Makes a client from the options in the input; handle 0 when that failed. */
  create(host: Host): { id: number; handle: number } {
    const id = ++this.#lastId;
    this.hosts.set(id, host);
    return { id, handle: this.exports.create(id) };
  }

  // The views are made anew when the memory has grown, which may happen in any
  // call: nobody keeps one over a call.

  get u8(): Uint8Array {
    if (this.#u8.buffer !== this.exports.memory.buffer) this.#look();
    return this.#u8;
  }

  get u32(): Uint32Array {
    if (this.#u8.buffer !== this.exports.memory.buffer) this.#look();
    return this.#u32;
  }

  get f64(): Float64Array {
    if (this.#u8.buffer !== this.exports.memory.buffer) this.#look();
    return this.#f64;
  }

  #look(): void {
    const { buffer } = this.exports.memory;
    this.#u8 = new Uint8Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#f64 = new Float64Array(buffer);
  }

  text(at: number, len: number): string {
    return len === 0 ? '' : fromUtf8(this.u8.subarray(at, at + len));
  }

  /** Puts arguments into the input, one after the other. */
  put(first: Uint8Array, second?: Uint8Array): void {
    const at = this.#room(first.length + (second?.length ?? 0));
    const { u8 } = this;
    u8.set(first, at);
    if (second !== undefined) u8.set(second, at + first.length);
  }

  #room(len: number): number {
    if (len > this.#inputCap) {
      // Twice the need: messages that grow slowly shall not move it each time.
      this.#inputAt = this.exports.input(len * 2);
      this.#inputCap = this.#inputAt === 0 ? 0 : len * 2;
      if (this.#inputAt === 0) throw new RangeError('godwit: out of memory');
    }
    return this.#inputAt;
  }
}

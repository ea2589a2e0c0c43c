// SPDX-License-Identifier: MIT
// module.ts - an instance of the core, WebAssembly or plain: its memory and its
// functions.

import { fromUtf8, lengthOf, type Bytes } from './bytes.js';
import { importsFor, type Host, type Imports } from './imports.js';

type Run = (handle: number, ...args: number[]) => number | void;

/** Functions of wasm/bridge.c by the letters that they are exported as: every
 * page loads their names twice. Those named ON_... lead to events. */
export const enum Call {
  DESTROY = 'c',
  ON_OPEN = 'd',
  ON_DATA = 'e',
  ON_CLOSED = 'f',
  ON_TIMER = 'g',
  ON_WAKE = 'h',
  CONNECT = 'i',
  CLOSE = 'j',
  SUBSCRIBE = 'k',
  UNSUBSCRIBE = 'l',
  POSITION = 'm',
  PUBLISH = 'n',
  RESTORE = 'o',
  PRESENCE_SET = 'p',
  PRESENCE_LEAVE = 'q',
  PRESENCE_GET = 'r',
  CALL = 's',
  ANSWER = 't',
  SET_RETRY = 'u',
  SET_TOKEN = 'v',
  INFO = 'w',
  TOKEN = 'x',
}

/** A handle is the address of a client. */
export type Exports = Record<Call, Run> & {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** input: room for arguments of this length; returns its address. */
  a(len: number): number;
  /** create: returns a handle. */
  b(id: number): number;
};

/** Makes an instance. */
export type Instantiate = (imports: Imports) => Promise<Exports>;

export class Module {
  _exports!: Exports;
  /** Clients by the number that they were given. */
  readonly _hosts = new Map<number, Host>();
  /** It trapped: what it holds is not good any more. */
  _isBroken = false;
  /** The memory, as it was after the last call. */
  _u8!: Bytes;
  _u32!: Uint32Array;
  #inputAt = 0;
  #inputCap = 0;

  static async load(instantiate: Instantiate): Promise<Module> {
    const module = new Module();
    module._exports = await instantiate(await importsFor(module));
    module._look();
    return module;
  }

  /** Sees the memory as it is. Any call may make it grow: so this is done after
   * each, and nobody keeps a view over one. */
  _look(): void {
    const { buffer } = this._exports.memory;
    if (this._u8?.buffer === buffer) return;
    this._u8 = new Uint8Array(buffer);
    this._u32 = new Uint32Array(buffer);
  }

  /** Also from inside of a call. */
  _copy(at: number, len: number): Bytes {
    this._look();
    return this._u8.slice(at, at + len);
  }

  _text(at: number, len: number): string {
    this._look();
    return fromUtf8(this._u8.subarray(at, at + len));
  }

  /** Makes room for arguments; returns the address of the first. */
  _reserve(len: number): number {
    if (len > this.#inputCap) {
      // Twice the need: messages that grow slowly shall not move it each time.
      this.#inputCap = len * 2;
      this.#inputAt = this._exports.a(len * 2);
      this._look();
      if (this.#inputAt === 0) throw new RangeError('godwit: out of memory');
    }
    return this.#inputAt;
  }

  /** Puts arguments, one after the other. */
  _put(parts: readonly Uint8Array[]): void {
    let at = this._reserve(lengthOf(parts));
    const { _u8: u8 } = this;
    for (const part of parts) {
      u8.set(part, at);
      at += part.length;
    }
  }
}

// SPDX-License-Identifier: MIT
// engine.ts - runs one client of the core: gives it a socket, a timer, a clock,
// and hands on the events that each turn led to.

import { lengthOf, toHex, toUtf8, wordBytes, type Bytes } from './bytes.js';
import { Clock } from './clock.js';
import { Code } from './codes.js';
import { GodwitError } from './error.js';
import { EventReader } from './event-reader.js';
import type { Host } from './imports.js';
import { Bridge, None } from './layout.js';
import { Call, type Module } from './module.js';
import type {
  ClientOptions, LogLevel, WebSocketConstructor,
} from './options.js';
import { NOTHING, type EncodedPayload } from './payload.js';
import { putOptions, type Settings } from './settings.js';
import { Socket } from './socket.js';
import { STATES } from './states.js';
import { StructReader } from './struct-reader.js';
import { Timer } from './timer.js';
import { Wake, watchWake } from './wake.js';

const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

let lastId = 0;

/** Who is told. */
export interface EngineEvents {
  /** The reader stands on an event of the turn. */
  _event(reader: EventReader): void;
  /** Code of the application threw. */
  _failed(error: unknown): void;
  /** The core failed: this engine does nothing any more. */
  _broken(error: unknown): void;
}

/**
 * All events of a turn are read after the core has returned, not one by one from
 * inside of it: a message of a hundred publications crosses the boundary once.
 * feed.ts says what that means for positions.
 */
export class Engine implements Host {
  /** Number of the turn whose events are being handed on, or of the last one. */
  _turn = 0;
  readonly #module: Module;
  readonly #options: ClientOptions;
  readonly #events: EngineEvents;
  readonly #reader: EventReader;
  readonly #struct: StructReader;
  readonly #clock = new Clock();
  readonly #timer: Timer;
  readonly #id = ++lastId;
  #handle = 0;
  #socket: Socket | null = null;
  #generation = 0;
  #unwatch: (() => void) | null = null;
  /** The core is on the stack: nothing may call into it. */
  #inside = false;
  /** A turn's events are being handed on: the next turn waits. */
  #busy = false;
  #later: (() => void)[] = [];

  /** Throws when an option is not valid. */
  constructor(module: Module, settings: Settings, events: EngineEvents) {
    this.#module = module;
    this.#options = settings._options;
    this.#events = events;
    this.#reader = new EventReader(module);
    this.#struct = new StructReader(module);
    this.#timer = new Timer(this.#clock, () => this.#turn(Call.ON_TIMER),
      () => this.#wake(Wake.VISIBLE));
    putOptions(module, settings);
    module._hosts.set(this.#id, this);
    this.#handle = module._exports.b(this.#id);
    module._look();
    if (!this.#handle) {
      module._hosts.delete(this.#id);
      throw new GodwitError(Code.BAD_REQUEST, 'an option is not valid');
    }
  }

  /** Whether all that the core has told is handed on. */
  get _isIdle(): boolean {
    return !this.#busy && !this.#inside;
  }

  /** Whether it still takes commands. */
  get _isAlive(): boolean {
    return this.#handle !== 0;
  }

  // ---- commands ------------------------------------------------------------

  /** Gives a command: a function of wasm/bridge.c. Its arguments are the handle,
   * args, and what tells of text and payload; its input the words of a struct,
   * then those two. */
  _command(
    name: Call, args: readonly number[] = [],
    struct: readonly (number | undefined)[] = [],
    text: string | Uint8Array = '', payload: EncodedPayload = NOTHING,
  ): number {
    if (!this.#handle) throw new GodwitError(Code.CLOSED);
    this.#checkOutside();
    const { _type: type, _bytes: bytes } = payload;
    const utf8 = toUtf8(text);
    this.#module._put([wordBytes(struct), utf8, bytes]);
    const result = this.#call(name, ...args, utf8.length, type, bytes.length);
    this.#setTimer();
    return result ?? 0;
  }

  #checkOutside(): void {
    if (this.#inside) {
      throw new Error('used inside log, mayMove or a store');
    }
  }

  #call(name: Call, ...args: number[]): number | void {
    this.#inside = true;
    try {
      return this.#module._exports[name](this.#handle, ...args);
    } catch (error) {
      this.#break(error);
      throw error;
    } finally {
      this.#inside = false;
      this.#module._look();
    }
  }

  /** What the last command returned beside its result. */
  get _returned(): StructReader {
    return this.#struct._turnTo(this.#handle + Bridge.RETURNED * 4);
  }

  /** gw_client_info. */
  _facts(): StructReader {
    return this.#struct._turnTo(this._command(Call.INFO));
  }

  /** By the wall clock, milliseconds since 1970; null for 0, which is never. */
  _wallTime(ms: number): number | null {
    return ms ? Math.round(Date.now() + ms - this._now()) : null;
  }

  /** Watch the surroundings, from connect until there is nothing to wake for. */
  _watch(): void {
    this.#unwatch ??= watchWake((why) => {
      this.#clock._check();
      this.#wake(why);
    });
  }

  _unwatch(): void {
    this.#unwatch?.();
    this.#unwatch = null;
  }

  /** Ends it without a goodbye. */
  _destroy(): void {
    this.#checkOutside();
    if (this.#handle) this.#call(Call.DESTROY);
    this.#end();
  }

  #end(): void {
    this.#handle = 0;
    this.#later = [];
    this.#module._hosts.delete(this.#id);
    this.#timer._set(Infinity);
    this._unwatch();
    this.#socket?._close();
  }

  // A trap, out of memory as a rule, leaves the core in the middle of something.
  #break(error: unknown): void {
    this.#module._isBroken = true;
    this.#end();
    this.#events._broken(error);
  }

  // ---- turns ---------------------------------------------------------------

  #wake(why: Wake): void {
    this.#turn(Call.ON_WAKE, why);
  }

  /** A turn that comes while the events of another are handed on waits: a
   * WebSocket of a test may answer before send has returned. */
  #turn(name: Call, a = 0, b = 0, c = 0, input: readonly Bytes[] = []): void {
    if (!this.#handle) return;
    if (!this._isIdle) {
      this.#later.push(() => this.#turn(name, a, b, c, input));
      return;
    }
    this.#busy = true;
    try {
      this.#module._put(input);
      this.#call(name, a, b, c);
      this.#setTimer();
      this.#handOn();
    } catch (error) {
      // #call has told its own; what remains is memory for the input.
      if (this.#handle) this.#break(error);
    } finally {
      this.#busy = false;
    }
    this.#later.shift()?.();
  }

  #handOn(): void {
    this._turn++;
    this.#reader._begin(this.#handle);
    while (this.#handle && this.#reader._next()) {
      try {
        this.#events._event(this.#reader);
      } catch (error) {
        this.#events._failed(error);
      }
    }
  }

  #setTimer(): void {
    const { _u32: u32 } = this.#module;
    const at = this.#handle >>> 2;
    if (!this.#handle || u32[at + Bridge.HAS_TIMER] === 0) return;
    u32[at + Bridge.HAS_TIMER] = 0;
    const ms = u32[at + Bridge.TIMER_MS]!;
    this.#timer._set(ms === None.TIMER ? Infinity : ms);
  }

  // ---- what the core asks for ----------------------------------------------

  _now(): number {
    return this.#clock._now();
  }

  _open(generation: number, at: number, len: number): void {
    this.#socket?._close();
    this.#generation = generation;
    const WebSocket = this.#options.WebSocket ??
      globalThis.WebSocket as unknown as WebSocketConstructor;
    this.#socket = new Socket(WebSocket, this.#module._text(at, len), {
      _opened: () => this.#turn(Call.ON_OPEN, generation),
      _messages: (messages) => this.#turn(
        Call.ON_DATA, generation, lengthOf(messages), 0, messages),
      _closed: (code, reason) => {
        const bytes = toUtf8(reason);
        this.#turn(Call.ON_CLOSED, generation, code, bytes.length, [bytes]);
      },
    });
  }

  _send(generation: number, at: number, len: number): void {
    if (generation === this.#generation) {
      this.#socket?._send(this.#module._copy(at, len));
    }
  }

  _close(generation: number, code: number): void {
    if (generation === this.#generation) this.#socket?._close(code);
  }

  _log(level: number, at: number, len: number): void {
    this.#options.log?.(LOG_LEVELS[level]!, this.#module._text(at, len));
  }

  _mayMove(from: number, to: number, code: number): boolean {
    return this.#options.mayMove?.(STATES[from]!, STATES[to]!, code) ?? true;
  }

  _storePut(low: number, high: number, at: number, len: number): void {
    this.#options.outbox?.store?.put(
      toHex(low, high)!, this.#module._copy(at, len));
  }

  _storeRemove(low: number, high: number): void {
    this.#options.outbox?.store?.remove(toHex(low, high)!);
  }

  _failed(error: unknown): void {
    // The core is on the stack.
    queueMicrotask(() => this.#events._failed(error));
  }
}

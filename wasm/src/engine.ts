// SPDX-License-Identifier: MIT
// engine.ts - runs one client of the core: gives it a socket, a timer, a clock,
// and hands on the events that each turn led to.

import { toUtf8, type Bytes } from './bytes.js';
import { Clock } from './clock.js';
import { GodwitError } from './error.js';
import { EventReader } from './event-reader.js';
import type { Host } from './imports.js';
import type { Exports, Module } from './module.js';
import type { LogLevel, WebSocketConstructor } from './options.js';
import { createInput, type Settings } from './settings.js';
import { Socket } from './socket.js';
import { Timer } from './timer.js';
import { STATES } from './states.js';
import { Wake, watchWake } from './wake.js';
import { Code } from './codes.js';

const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];
/** Offsets in `struct bridge`, in words of 4 bytes; the delay in words of 8. */
const HAS_TIMER = 3;
const TIMER_MS = 2;
const RESULT = 6;

type Turn = 'on_open' | 'on_data' | 'on_closed' | 'on_timer' | 'on_wake';
type Call = Exclude<keyof Exports, 'memory' | '_initialize' | 'input' | 'create'>;
/** Functions of a client that lead to no event. */
export type Command = Exclude<Call, Turn | 'destroy'>;
type CoreFunction = (handle: number, ...args: number[]) => number | void;

/** Who is told. */
export interface EngineEvents {
  /** The reader stands on an event of the turn. */
  event(reader: EventReader): void;
  /** Code of the application threw. */
  failed(error: unknown): void;
  /** The core failed: this engine does nothing any more. */
  broken(error: unknown): void;
}

/**
 * All events of a turn are read after the core has returned, not one by one from
 * inside of it: a message of a hundred publications crosses the boundary once.
 * feed.ts says what that means for positions.
 */
export class Engine implements Host {
  readonly #module: Module;
  readonly #settings: Settings;
  readonly #events: EngineEvents;
  readonly #reader: EventReader;
  readonly #clock = new Clock();
  readonly #timer: Timer;
  readonly #id: number;
  #handle: number;
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
    this.#settings = settings;
    this.#events = events;
    this.#reader = new EventReader(module);
    this.#timer = new Timer(
      this.#clock, () => this.#turn('on_timer'), () => this.#wake(Wake.VISIBLE));
    const [words, texts] = createInput(settings);
    module.put(new Uint8Array(words.buffer), texts);
    const { id, handle } = module.create(this);
    this.#id = id;
    this.#handle = handle;
    if (handle === 0) {
      module.hosts.delete(id);
      throw new GodwitError(Code.BAD_REQUEST, 'an option is not valid');
    }
  }

  /** Whether commands have an effect. */
  get isAlive(): boolean {
    return this.#handle !== 0;
  }

  /** Whether all that the core has told is handed on. */
  get isIdle(): boolean {
    return !this.#busy && !this.#inside;
  }

  /** Number of the turn whose events are being handed on, or of the last one. */
  turn = 0;

  // ---- commands ------------------------------------------------------------

  /** Puts the arguments of the next command that are bytes. */
  put(first: Uint8Array, second?: Uint8Array): void {
    this.#module.put(first, second);
  }

  /** Gives a command: a function of wasm/bridge.c, and what follows the handle. */
  command(name: Command, ...args: number[]): number {
    this.#check();
    const result = this.#call(name, ...args);
    this.#setTimer();
    return result ?? 0;
  }

  #check(): void {
    if (this.#inside) {
      throw new Error('the client was used inside log, mayMove or a store');
    }
    if (this.#handle === 0) throw new GodwitError(Code.CLOSED);
  }

  #call(name: Call, ...args: number[]): number | void {
    const run = this.#module.exports[name] as CoreFunction;
    this.#inside = true;
    try {
      return run(this.#handle, ...args);
    } catch (error) {
      this.#break(error);
      throw error;
    } finally {
      this.#inside = false;
    }
  }

  /** A word that the last command returned beside its result. */
  result(index: number): number {
    return this.#module.u32[(this.#handle >>> 2) + RESULT + index]!;
  }

  /** A text that the last command returned, of two words. */
  resultText(index: number): string {
    return this.#module.text(this.result(index), this.result(index + 1));
  }

  /** Watch the surroundings, from connect until there is nothing to wake for. */
  watch(on: boolean): void {
    if (on && this.#unwatch === null) {
      this.#unwatch = watchWake((why) => {
        this.#clock.check();
        this.#wake(why);
      });
    } else if (!on) {
      this.#unwatch?.();
      this.#unwatch = null;
    }
  }

  /** Ends it without a goodbye. */
  destroy(): void {
    if (this.#handle === 0) return;
    this.#check();
    this.#call('destroy');
    this.#end();
  }

  #end(): void {
    this.#handle = 0;
    this.#later = [];
    this.#module.hosts.delete(this.#id);
    this.#timer.set(-1);
    this.watch(false);
    this.#socket?.close(1000, '');
    this.#socket = null;
  }

  // A trap, out of memory as a rule, leaves the core in the middle of something.
  #break(error: unknown): void {
    this.#module.isBroken = true;
    this.#end();
    this.#events.broken(error);
  }

  // ---- turns ---------------------------------------------------------------

  #wake(why: Wake): void {
    this.#turn('on_wake', why);
  }

  #closed(generation: number, code: number, reason: string): void {
    const bytes = toUtf8(reason);
    this.#turn('on_closed', generation, code, bytes.length, bytes);
  }

  /** A turn that comes while the events of another are handed on waits: a
   * WebSocket of a test may answer before send has returned. */
  #turn(name: Turn, a = 0, b = 0, c = 0, input?: Bytes): void {
    if (this.#handle === 0) return;
    if (this.#busy || this.#inside) {
      this.#later.push(() => this.#turn(name, a, b, c, input));
      return;
    }
    this.#busy = true;
    try {
      if (input !== undefined) this.#module.put(input);
      this.#call(name, a, b, c);
      this.#setTimer();
      this.#handOn(input);
    } catch (error) {
      // #call has told its own; what remains is memory for the input.
      if (this.#handle !== 0) this.#break(error);
    } finally {
      this.#busy = false;
    }
    this.#later.shift()?.();
  }

  #handOn(message: Bytes | undefined): void {
    this.turn++;
    this.#reader.begin(this.#handle, message);
    while (this.#handle !== 0 && this.#reader.next()) {
      try {
        this.#events.event(this.#reader);
      } catch (error) {
        this.#events.failed(error);
      }
    }
  }

  #setTimer(): void {
    const word = (this.#handle >>> 2) + HAS_TIMER;
    const { u32 } = this.#module;
    if (this.#handle === 0 || u32[word] === 0) return;
    u32[word] = 0;
    this.#timer.set(this.#module.f64[(this.#handle >>> 3) + TIMER_MS]!);
  }

  // ---- what the core asks for ----------------------------------------------

  now(): number {
    return this.#clock.now();
  }

  open(generation: number, endpoint: string): void {
    this.#socket?.close(1000, '');
    this.#generation = generation;
    const { options } = this.#settings;
    const WebSocket = options.WebSocket ??
      (globalThis.WebSocket as unknown as WebSocketConstructor);
    this.#socket = new Socket(WebSocket, endpoint, {
      opened: () => this.#turn('on_open', generation),
      message: (message) =>
        this.#turn('on_data', generation, message.length, 0, message),
      closed: (code, reason) => this.#closed(generation, code, reason),
    });
  }

  send(generation: number, message: Uint8Array): void {
    if (generation === this.#generation) this.#socket?.send(message);
  }

  close(generation: number, code: number, reason: string): void {
    if (generation !== this.#generation) return;
    this.#socket?.close(code, reason);
    this.#socket = null;
  }

  log(level: number, text: string): void {
    this.#settings.options.log?.(LOG_LEVELS[level]!, text);
  }

  mayMove(from: number, to: number, code: number): boolean {
    const { mayMove } = this.#settings.options;
    return mayMove?.(STATES[from]!, STATES[to]!, code) ?? true;
  }

  storePut(key: string, entry: Uint8Array): void {
    this.#settings.options.outbox?.store?.put(key, entry.slice());
  }

  storeRemove(key: string): void {
    this.#settings.options.outbox?.store?.remove(key);
  }

  failed(error: unknown): void {
    // The core is on the stack.
    queueMicrotask(() => this.#events.failed(error));
  }
}

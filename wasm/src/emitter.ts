// SPDX-License-Identifier: MIT
// emitter.ts - typed events; a handler that throws does not stop the others.

export type Handler<T> = (event: T) => void;

export abstract class Emitter<Events> {
  // Replaced, never changed: an event goes to those who were there when it
  // began, without a copy per event.
  #handlers: { [K in keyof Events]?: readonly Handler<Events[K]>[] } = {};

  /** Calls the handler at each event; returns a function that ends it. */
  on<K extends keyof Events>(event: K, handler: Handler<Events[K]>): () => void {
    this.#handlers[event] = [...(this.#handlers[event] ?? []), handler];
    return () => this.off(event, handler);
  }

  off<K extends keyof Events>(event: K, handler: Handler<Events[K]>): void {
    const left = [...(this.#handlers[event] ?? [])];
    const index = left.indexOf(handler);
    if (index >= 0) left.splice(index, 1);
    this.#handlers[event] = left;
  }

  /** @internal */
  _has(event: keyof Events): boolean {
    return (this.#handlers[event]?.length ?? 0) > 0;
  }

  /** @internal */
  _emit<K extends keyof Events>(event: K, value: Events[K]): void {
    const handlers = this.#handlers[event];
    if (handlers === undefined) return;
    for (const handler of handlers) {
      try {
        handler(value);
      } catch (error) {
        this._failed(error);
      }
    }
  }

  /** @internal A handler threw. */
  abstract _failed(error: unknown): void;
}

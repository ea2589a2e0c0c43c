// SPDX-License-Identifier: MIT
// emitter.ts - typed events; a handler that throws does not stop the others.

/** Called at each event. What it throws is reported; other handlers still run. */
export type Handler<T> = (event: T) => void;

/** Told: what is emitted, which handlers of a smaller build know less of. */
export abstract class Emitter<Events, Told = Events> {
  // Replaced, never changed: an event goes to those who were there when it
  // began, without a copy per event.
  #handlers: Partial<Record<PropertyKey, readonly Handler<never>[]>> = {};

  /** Calls the handler at each event, twice if it is given twice; returns a
   * function that ends it once. */
  on<K extends keyof Events>(event: K, handler: Handler<Events[K]>): () => void {
    this.#handlers[event] = [...(this.#handlers[event] ?? []), handler];
    let left = 1;
    return () => {
      this.#handlers[event] =
        this.#handlers[event]?.filter((h) => h !== handler || left-- < 1);
    };
  }

  /** Ends all that `on()` began for this event and handler. */
  off<K extends keyof Events>(event: K, handler: Handler<Events[K]>): void {
    this.#handlers[event] = this.#handlers[event]?.filter((h) => h !== handler);
  }

  /** @internal */
  _emit<K extends keyof Told>(event: K, value?: Told[K]): void {
    for (const handler of this.#handlers[event] ?? []) {
      try {
        handler(value as never);
      } catch (error) {
        this._failed(error);
      }
    }
  }

  /** @internal A handler threw. */
  abstract _failed(error: unknown): void;
}

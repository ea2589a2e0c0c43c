// SPDX-License-Identifier: MIT
// tokens.ts - answers the core's questions for tokens with those of the
// application.

import { Code } from './codes.js';
import type { Engine, EngineEvents } from './engine.js';
import { codeOfResult, GodwitError, Result } from './error.js';
import { Call } from './module.js';
import type { GetToken } from './options.js';

/**
 * The core asks once at a time. A core that replaces a broken one does not know
 * of the question that is open, nor does the new subscription of a feed: so calls
 * of the application wait for each other here, too. The answer goes to the core
 * that asked, which drops it when it has no use for it any more.
 */
export class Tokens {
  readonly #get: GetToken;
  #last: Promise<void> = Promise.resolve();

  constructor(get: GetToken) {
    this.#get = get;
  }

  _answer(engine: Engine, ask: number, events: EngineEvents): void {
    this.#last = this.#last.then(() => this.#run(engine, ask))
      .catch((error: unknown) => events._failed(error));
  }

  async #run(engine: Engine, ask: number): Promise<void> {
    if (!engine._isAlive) return;
    try {
      const token = await this.#get() ?? '';
      give(engine, ask, token === '' ? Code.NO_TOKEN : Code.OK, token);
    } catch (error) {
      const isMeant = error instanceof GodwitError;
      give(engine, ask,
        isMeant ? error.code || Code.NO_TOKEN : Code.AUTH_UNAVAILABLE);
      if (!isMeant) throw error;
    }
  }
}

/** Throws when the core does not take the token; the question is still open. */
function give(engine: Engine, ask: number, code: number, token = ''): void {
  if (!engine._isAlive) return;
  const result = engine._command(Call.TOKEN, [ask, code], [], token);
  if (result < 0 && result !== Result.NOT_FOUND) {
    throw new GodwitError(codeOfResult(result));
  }
}

export function tokensOf({ getToken }: { getToken?: GetToken }): Tokens | null {
  return getToken === undefined ? null : new Tokens(getToken);
}

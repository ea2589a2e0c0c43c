// SPDX-License-Identifier: MIT
// wake.ts - what pages and workers are told about network, visibility and sleep.

/** enum gw_wake. */
export const enum Wake { ONLINE, OFFLINE, VISIBLE, HIDDEN }

/** Calls back at each news until the returned function is called. Hosts without
 * such events, as Node, never call. */
export function watchWake(told: (why: Wake) => void): () => void {
  const { document } = globalThis;
  const end = new AbortController();
  const watch = (
    target: EventTarget, event: string, why: () => Wake = visibility,
  ): void => target?.addEventListener?.(event, () => told(why()), end);
  const visibility = () =>
    document?.visibilityState === 'hidden' ? Wake.HIDDEN : Wake.VISIBLE;
  watch(globalThis, 'online', () => Wake.ONLINE);
  watch(globalThis, 'offline', () => Wake.OFFLINE);
  watch(globalThis, 'pageshow');
  watch(document, 'resume');
  watch(document, 'freeze', () => Wake.HIDDEN);
  watch(document, 'visibilitychange');
  return () => end.abort();
}

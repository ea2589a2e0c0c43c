// SPDX-License-Identifier: MIT
// wake.ts - what pages and workers are told about network, visibility and sleep.

/** enum gw_wake. */
export const Wake = { ONLINE: 0, OFFLINE: 1, VISIBLE: 2, HIDDEN: 3 } as const;
export type Wake = (typeof Wake)[keyof typeof Wake];

type Target = Pick<EventTarget, 'addEventListener' | 'removeEventListener'>;

/** Calls back at each news until the returned function is called. Hosts without
 * such events, as Node, never call. */
export function watchWake(told: (why: Wake) => void): () => void {
  const { document } = globalThis;
  const watched: [Target, string, () => void][] = [];
  const watch = (target: Target | undefined, event: string,
    why: () => Wake): void => {
    if (typeof target?.addEventListener !== 'function') return;
    const handler = () => told(why());
    target.addEventListener(event, handler);
    watched.push([target, event, handler]);
  };
  const visible = (): Wake => Wake.VISIBLE;
  watch(globalThis, 'online', () => Wake.ONLINE);
  watch(globalThis, 'offline', () => Wake.OFFLINE);
  watch(globalThis, 'pageshow', visible);
  watch(document, 'resume', visible);
  watch(document, 'freeze', () => Wake.HIDDEN);
  watch(document, 'visibilitychange',
    () => document.visibilityState === 'hidden' ? Wake.HIDDEN : Wake.VISIBLE);
  return () => {
    for (const [target, event, handler] of watched) {
      target.removeEventListener(event, handler);
    }
  };
}

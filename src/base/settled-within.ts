import type { Clock } from "./clock.ts";

/** Resolves once `promise` has settled, however it did, or after `ms`. Leaves no timer behind. */
export function settledWithin(clock: Clock, promise: PromiseLike<unknown>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const settled = (): void => {
      cancel();
      resolve();
    };
    const cancel = clock.at(clock.now() + ms, resolve);
    promise.then(settled, settled);
  });
}

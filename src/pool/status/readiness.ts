// Whether a pool process serves requests. Pure.

/** A worker whose event loop stands still for this long is not counted on. */
export const STUCK_MS = 5000;

export interface Serving {
  readonly draining: boolean;
  /** At least one worker takes requests. */
  readonly serving: boolean;
  /** The event loops of all that do have stood still for STUCK_MS. */
  readonly stuck: boolean;
  /** Workers are started when a request comes (threads.min = 0). */
  readonly onDemand: boolean;
  /** The last worker that was started did not come up. */
  readonly failed: boolean;
}

/** undefined: it does. Else why not, for whoever watches over it; nothing of the app's is in it. */
export function readiness({ draining, serving, stuck, onDemand, failed }: Serving): string | undefined {
  if (draining) return "draining: this process finishes what it has and leaves";
  if (stuck) return `no worker serves: for ${STUCK_MS / 1000} s or more no event loop of theirs has turned`;
  if (serving) return undefined;
  if (failed) return "no worker serves: the app does not start; its log says why, and it is tried again";
  return onDemand ? undefined : "no worker serves: they are starting";
}

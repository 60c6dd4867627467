// What each signal means to the supervisor. Every signal that a person or a service manager may send
// is listed: what is not would end us by default and leave the pools behind.

import { type Clock, type Instant, systemClock } from "../base/clock.ts";
import type { Log } from "../telemetry/log.ts";

/** The same signal again within this is no second wish: a group and a launcher in it were told at once, ms. */
const ECHO_MS = 100;

interface Meaning {
  readonly does: "stop" | "later" | "nothing";
  readonly doc: string;
}

export const SIGNALS = {
  SIGTERM: { does: "stop", doc: "Stop: finish what is open within stop_timeout. A second one ends everything now." },
  SIGINT: { does: "stop", doc: "The same as TERM." },
  SIGQUIT: { does: "stop", doc: "The same as TERM." },
  SIGHUP: { does: "later", doc: "Reserved for reload; not available in this version." },
  SIGUSR2: { does: "later", doc: "Reserved for reload; not available in this version." },
  // Without a handler Node would open its inspector to whoever may send a signal.
  SIGUSR1: { does: "nothing", doc: "Ignored." },
} as const satisfies Partial<Record<NodeJS.Signals, Meaning>>;

/** What signals act upon. */
export interface Stoppable {
  stop(reason: string): unknown;
  stopNow(reason: string): unknown;
}

/**
 * Handles every signal of the table until the returned function is called. `target` may still be
 * starting: what comes before it has started is done then.
 */
export function handleSignals(
  target: Stoppable | Promise<Stoppable>,
  log: Log,
  clock: Clock = systemClock,
): () => void {
  let stops = 0;
  const heard = new Map<string, Instant>();
  const act = (what: (target: Stoppable) => unknown): void => {
    Promise.resolve(target).then(
      (running) => {
        what(running);
      },
      () => {}, // A start that fails ends the process by itself, and says why where it is awaited.
    );
  };
  const handlers = Object.entries(SIGNALS).map(([signal, { does }]) => {
    const handler = (): void => {
      if (does === "later") log.warn(`${signal} is not available in this version and does nothing`);
      if (does !== "stop") return;
      const isEcho = clock.now() - (heard.get(signal) ?? Number.NEGATIVE_INFINITY) < ECHO_MS;
      heard.set(signal, clock.now());
      if (isEcho) return;
      stops++;
      if (stops === 1) act((running) => running.stop(signal));
      else act((running) => running.stopNow(signal));
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

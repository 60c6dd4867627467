// What each signal means to the supervisor. Every signal that a person or a service manager may send
// is listed: what is not would end us by default and leave the pools behind.

import { type Clock, type Instant, systemClock } from "../base/clock.ts";
import { toFaultData } from "../base/fault.ts";
import type { Log } from "../telemetry/log.ts";
import type { ReloadScope } from "./reload-scope.ts";

/** The same signal again within this is no second wish: a group and a launcher in it were told at once, ms. */
const ECHO_MS = 100;

interface Meaning {
  readonly does: "stop" | "reload" | "succeed" | "reopen";
  readonly doc: string;
}

export const SIGNALS = {
  SIGTERM: { does: "stop", doc: "Stop: finish what is open within stop_timeout. A second one ends everything now." },
  SIGINT: { does: "stop", doc: "The same as TERM." },
  SIGQUIT: { does: "stop", doc: "The same as TERM." },
  SIGHUP: {
    does: "reload",
    doc: "Reload: read the configuration again and replace every pool without losing a request.",
  },
  SIGUSR2: {
    does: "succeed",
    doc: "Replace the supervisor itself, and all pools, by the program as it is installed now, without closing a socket.",
  },
  // Without a handler Node would open its inspector to whoever may send a signal.
  SIGUSR1: { does: "reopen", doc: "Open the files of logs anew, after they were renamed; no line is lost." },
} as const satisfies Partial<Record<NodeJS.Signals, Meaning>>;

/** What signals act upon. */
export interface Signalled {
  /** Rejects when nothing could be changed; the reason is in the log by then. Absent: there is nothing to reload. */
  reload?(scope: ReloadScope): Promise<unknown>;
  /** The same. Absent: it cannot be replaced. */
  succeed?(): Promise<unknown>;
  /** Absent: there are no files of logs. */
  reopenLogs?(): void;
  stop(reason: string): unknown;
  stopNow(reason: string): unknown;
}

/**
 * Handles every signal of the table until the returned function is called. `target` may still be
 * starting: what comes before it has started is done then.
 */
export function handleSignals(
  target: Signalled | Promise<Signalled>,
  log: Log,
  clock: Clock = systemClock,
): () => void {
  let stops = 0;
  const heard = new Map<string, Instant>();
  const act = (what: (target: Signalled) => unknown): void => {
    Promise.resolve(target).then(
      (running) => {
        what(running);
      },
      () => {}, // A start that fails ends the process by itself, and says why where it is awaited.
    );
  };
  const handlers = Object.entries(SIGNALS).map(([signal, { does }]) => {
    const handler = (): void => {
      if (does === "succeed") act((running) => succeed(running, log));
      if (does === "reopen") act((running) => running.reopenLogs?.());
      if (does === "reload") act((running) => running.reload?.("all").catch(() => {})); // It is in the log.
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

async function succeed(running: Signalled, log: Log): Promise<void> {
  try {
    await running.succeed?.();
  } catch (error) {
    const { message, hint } = toFaultData(error, "BOOT");
    log.warn("the supervisor is not replaced", { reason: message, ...(hint === undefined ? {} : { hint }) });
  }
}

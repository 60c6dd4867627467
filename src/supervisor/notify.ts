// What the supervisor tells the service manager [sd_notify(3)]: that it is ready, reloads, stops, is
// alive, and one line about itself. Without a service manager every message goes nowhere. How a
// datagram gets there is in notify-transport.ts.

import { type Clock, systemClock } from "../base/clock.ts";
import { messageOf } from "../base/fault.ts";
import type { Log } from "../telemetry/log.ts";
import { openTransport, type Transport } from "./notify-transport.ts";

/** The manager is told that it may wait this much longer than we mean to take, ms. */
const EXTENSION_MARGIN_MS = 10_000;
/** Of a status line; the manager cuts nothing, but its readers have one line. */
const STATUS_LIMIT = 300;

/** One message each; none of them throws, or waits. */
export interface Notifier {
  /** Every pool serves: after the start, and after each reload, whether it succeeded or not. */
  ready(status: string): void;
  /** A reload has begun; `ready` ends it. */
  reloading(): void;
  /** A stop has begun, and takes at most `withinMs`. */
  stopping(withinMs: number): void;
  /** One line for `systemctl status`. The same line again is not sent. */
  status(text: string): void;
  /** From now on process `pid` is the service's. */
  mainPid(pid: number): void;
  /** What is being done (start, reload, stop) may take `withinMs` more from now. */
  extend(withinMs: number): void;
  /** What a process that takes this one's place needs in its environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** Stops the watchdog; resolves when everything that was told is on its way. */
  close(): Promise<void>;
}

export const SILENT: Notifier = {
  ready() {},
  reloading() {},
  stopping() {},
  status() {},
  mainPid() {},
  extend() {},
  variables: {},
  close: () => Promise.resolve(),
};

type Variables = Record<string, string | undefined>;

/**
 * The manager that `env` names, or SILENT. Takes its variables out of `env`, so that no pool and no app
 * can speak in our name. Feeds the manager's watchdog until it is closed: twice in each of its periods,
 * from this process's event loop, so a supervisor that no longer turns is restarted.
 */
export function openNotifier(env: Variables, log: Log, clock: Clock = systemClock): Notifier {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete env[name];
  if (socket === undefined) return SILENT;
  if (!/^[/@]/.test(socket)) {
    log.warn("NOTIFY_SOCKET names no unix socket; the service manager is told nothing", { socket });
    return SILENT;
  }
  let isTold = false;
  const transport = openTransport(socket, (error) => {
    log[isTold ? "debug" : "warn"]("the service manager cannot be told", { message: messageOf(error) });
    isTold = true;
  });
  const isOurWatchdog = usec !== undefined && (pid === undefined || Number(pid) === process.pid);
  return {
    ...createNotifier(transport, clock, isOurWatchdog ? watchdogMs(usec) : undefined),
    variables: { NOTIFY_SOCKET: socket, ...(isOurWatchdog ? { WATCHDOG_USEC: usec } : {}) },
  };
}

/** Half of the manager's period [sd_watchdog_enabled(3)]. */
function watchdogMs(usec: string): number | undefined {
  const ms = Number(usec) / 1000 / 2;
  return Number.isFinite(ms) && ms >= 1 ? ms : undefined;
}

/** `aliveEveryMs`: how often the watchdog is fed; undefined: never. */
export function createNotifier(transport: Transport, clock: Clock, aliveEveryMs?: number): Notifier {
  let lastStatus: string | undefined;
  let cancel: () => void = () => {};
  const send = (...lines: readonly string[]): void => transport.send(lines.join("\n"));
  const feed = (everyMs: number): void => {
    send("WATCHDOG=1");
    cancel = clock.at(clock.now() + everyMs, () => feed(everyMs));
  };
  if (aliveEveryMs !== undefined) feed(aliveEveryMs);
  const extension = (withinMs: number): string =>
    `EXTEND_TIMEOUT_USEC=${Math.ceil((withinMs + EXTENSION_MARGIN_MS) * 1000)}`;
  return {
    ready(status) {
      lastStatus = oneLine(status);
      send("READY=1", `STATUS=${lastStatus}`);
    },
    reloading() {
      // The manager orders it among its own jobs by its clock, which is also Node's.
      send("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    },
    stopping(withinMs) {
      send("STOPPING=1", extension(withinMs));
    },
    status(text) {
      const status = oneLine(text);
      if (status === lastStatus) return;
      lastStatus = status;
      send(`STATUS=${status}`);
    },
    mainPid(pid) {
      send(`MAINPID=${pid}`);
    },
    extend(withinMs) {
      send(extension(withinMs));
    },
    variables: {},
    close() {
      cancel();
      return transport.close();
    },
  };
}

/** A line feed would begin another variable. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
  return text.replace(/[\u0000-\u001f\u007f]+/g, " ").slice(0, STATUS_LIMIT);
}

// Starts a supervisor in this process: for `holdfast start`, and for commands that bring their own
// configuration. Sockets first, then processes; undone in the reverse order.

import { fileURLToPath } from "node:url";
import { type Clock, systemClock } from "../base/clock.ts";
import { Fault, toFaultData } from "../base/fault.ts";
import { formatAddress } from "../config/address.ts";
import type { Config, ListenAddress } from "../config/schema.ts";
import type { ControlReply, ControlRequest, ReloadReport, StatusReport } from "../messages/control.ts";
import type { Log } from "../telemetry/log.ts";
import { AddressBook } from "./address-book.ts";
import { type Address, bindAddress } from "./addresses.ts";
import { type ControlSocket, openControl } from "./control.ts";
import { poolIdentity } from "./identity.ts";
import { InheritedSockets } from "./inherited.ts";
import { LogOutputs } from "./log-outputs.ts";
import { type Notifier, SILENT } from "./notify.ts";
import type { Predecessor } from "./predecessor.ts";
import { ReloadQueue } from "./reload-queue.ts";
import type { ReloadScope } from "./reload-scope.ts";
import { Succession } from "./succession.ts";
import { Supervisor } from "./supervisor.ts";
import { keepTidy } from "./tidying.ts";

export { closeInherited } from "./descriptors.ts";
export { accountFaults } from "./identity.ts";
export { takeInheritedSockets } from "./inherited.ts";
export { LogOutputs } from "./log-outputs.ts";
export { openNotifier } from "./notify.ts";
export { sendsAsItself } from "./notify-transport.ts";
export { Predecessor } from "./predecessor.ts";
export { handleSignals, type Signalled } from "./signals.ts";

/** What pool processes wrote last is read within this, when they are gone, ms. */
const LOG_END_MS = 2000;

export interface StartOptions {
  /** Where lines end. Default: as the configuration says. It is closed when the supervisor has ended. */
  readonly logs?: LogOutputs;
  /** The supervisor's own log. Default: that of `logs`. */
  readonly log?: Log;
  /** The program of a pool process; for tests. */
  readonly entry?: string;
  readonly clock?: Clock;
  /** The service manager; default: none. */
  readonly notifier?: Notifier;
  /** Sockets that it passed; default: none. */
  readonly inherited?: InheritedSockets;
  /** Reads the configuration again, for a reload; throws CONFIG. Default: it never changes. */
  readonly reread?: () => Reread;
  /** Whose place is taken; default: nobody's. */
  readonly predecessor?: Predecessor | undefined;
  /** Whether this program, started again with its own arguments, can take its place. Default: false. */
  readonly replaceable?: boolean;
}

export interface Reread {
  readonly config: Config;
  /** Lines for the reader. */
  readonly warnings: readonly string[];
}

export interface RunningSupervisor {
  /** Resolves when every pool serves; rejects with BOOT, LISTEN or CONFIG when one cannot. Then everything is ended. */
  readonly ready: Promise<void>;
  /**
   * Settles when no process and no socket is left: resolves after a stop, rejects with the reason when
   * the first start failed.
   */
  readonly done: Promise<void>;
  /** Where each pool listens; a port 0 has become the real one. */
  readonly addresses: ReadonlyMap<string, ListenAddress>;
  /** Answers pages that wait for a change (live_reload): the front before the pools is about to close. */
  releasePages(): void;
  /** Lets open requests finish, within the stop timeout; settles as `done` does. */
  stop(reason: string): Promise<void>;
  /** Ends everything at once. */
  stopNow(reason: string): Promise<void>;
  /**
   * Reads the configuration again and replaces pools by new generations of theirs. Resolves when those
   * serve; rejects with CONFIG, LISTEN, BOOT or USAGE, and then nothing has changed. What is asked for
   * while a reload runs is one more reload after it.
   */
  reload(scope: ReloadScope): Promise<ReloadReport>;
  /**
   * Starts this program again, which takes over the sockets and the connections; then `done` resolves,
   * `succeeded` is true, and the process must leave by process.exit(). Rejects when it cannot; then
   * nothing has changed.
   */
  succeed(): Promise<void>;
  /** Another supervisor has taken over: what is bound is no longer this one's. */
  readonly succeeded: boolean;
  /** Opens the files of logs anew; logrotate has renamed them. */
  reopenLogs(): void;
  status(): Promise<StatusReport>;
  /** Milliseconds until the pool's main thread answered. Rejects with USAGE (no such pool) or LISTEN (no answer). */
  ping(pool: string): Promise<number>;
}

/**
 * Binds the control socket and every address, then starts the pools. Rejects with LISTEN or CONFIG,
 * and leaves nothing behind, when a socket cannot be bound or a pool may not run as it says.
 */
export async function startSupervisor(config: Config, options: StartOptions = {}): Promise<RunningSupervisor> {
  const logs = options.logs ?? new LogOutputs(config.supervisor);
  const log = options.log ?? logs.log;
  for (const pool of config.pools) {
    poolIdentity(pool);
    // Opens its access log: what cannot be is told now.
    logs.forPool(pool);
  }

  const { inherited = new InheritedSockets() } = options;
  const { predecessor, notifier = SILENT, clock = systemClock } = options;
  const book = new AddressBook((pool) => bindAddress(pool, inherited), predecessor?.sockets);
  const addresses: Address[] = [];
  let control: ControlSocket | undefined;
  let supervisor: Supervisor;
  const sealed = Promise.withResolvers<void>();
  // A request that arrives before there is a supervisor waits for it.
  const made = Promise.withResolvers<Controlled>();
  made.promise.catch(() => {});
  const answer = async (request: ControlRequest): Promise<ControlReply> =>
    reply(request, await made.promise, sealed.promise);
  const listenForControl = async (): Promise<void> => {
    control = await openControl(config.supervisor.control, answer, log);
  };
  try {
    // First, because it tells whether another supervisor runs on this configuration.
    if (predecessor === undefined) await listenForControl();
    for (const pool of config.pools) addresses.push(await book.open(pool));
    supervisor = new Supervisor(config, addresses, {
      log,
      logs,
      clock,
      entry: options.entry ?? fileURLToPath(new URL("../pool/main.js", import.meta.url)),
      notifier,
      addresses: book,
      hold: predecessor !== undefined,
    });
  } catch (error) {
    made.reject(error);
    await book.keepPassed();
    await control?.close();
    await logs.close(0);
    throw error;
  }
  const reloads = new ReloadQueue(async (scope) => {
    try {
      await supervisor.ready;
      await succession.settled();
      const { config: wanted, warnings } = options.reread?.() ?? { config, warnings: [] };
      const report = await supervisor.reload(scope, wanted);
      for (const warning of warnings) log.warn(warning);
      return { ...report, warnings: [...warnings, ...report.warnings] };
    } catch (error) {
      const { code, message, hint, stack } = toFaultData(error, "BOOT");
      log.error("the reload failed", { code, message, hint, stack });
      throw error;
    }
  });
  const reload = (scope: ReloadScope): Promise<ReloadReport> => reloads.request(scope);
  made.resolve({ supervisor, reload });
  for (const { name, bound } of inherited.free) {
    const address = bound === undefined ? "no listening stream socket" : formatAddress(bound);
    log.warn("a socket of the service manager belongs to no pool", { name, address });
  }
  log.info("supervisor started", {
    pid: process.pid,
    control: config.supervisor.control,
    pools: config.pools.map(({ name }) => name).join(", "),
  });
  supervisor.start();
  const endTidying = keepTidy({ clock });

  const succession = new Succession({
    supervisor,
    notifier,
    clock,
    log,
    sockets: () => book.sockets,
    idle: () => reloads.idle(),
    letGo: () => control?.release(),
    takeBack: listenForControl,
  });
  if (predecessor !== undefined) {
    succession
      .follow(predecessor, listenForControl)
      .then(() => book.keepOnly(config.pools))
      .catch((error: unknown) => supervisor.abandon(error));
  }

  const done = supervisor.ended.then(async () => {
    endTidying();
    if (succession.isOver) {
      await control?.close();
      log.info("another supervisor has taken over");
      await logs.close(LOG_END_MS);
      return;
    }
    // What was not left to us is still the predecessor's.
    await (supervisor.holds || predecessor?.stays ? book.keepPassed() : book.keepOnly([]));
    const closed = control?.close();
    // Who waits for the stop hears of it when another supervisor could start.
    sealed.resolve();
    await closed;
    log.info("stopped");
    await logs.close(LOG_END_MS);
    if (supervisor.failure !== undefined) throw supervisor.failure;
  });
  // Also told by `ready`; who looks only there must not be ended by an unhandled rejection.
  done.catch(() => {});
  return {
    ready: supervisor.ready,
    done,
    addresses: new Map(
      config.pools.map((pool, index) => [pool.name, addresses[index]?.listen ?? pool.listen] as const),
    ),
    releasePages: () => supervisor.releasePages(),
    stop(reason) {
      supervisor.stop(reason);
      return done;
    },
    stopNow(reason) {
      supervisor.stopNow(reason);
      return done;
    },
    reload,
    get succeeded() {
      return succession.isOver;
    },
    succeed: async () => {
      if (options.replaceable !== true) {
        throw new Fault("USAGE", "only a supervisor that `holdfast start` began can be replaced");
      }
      await succession.begin();
    },
    reopenLogs: () => logs.reopen(),
    status: () => supervisor.status(),
    ping: (pool) => supervisor.ping(pool),
  };
}

/** What the control socket acts upon. */
interface Controlled {
  readonly supervisor: Supervisor;
  readonly reload: RunningSupervisor["reload"];
}

async function reply(
  request: ControlRequest,
  { supervisor, reload }: Controlled,
  sealed: Promise<void>,
): Promise<ControlReply> {
  switch (request.command) {
    case "reload":
      return { ok: true, command: "reload", report: await reload(scopeOf(request)) };
    case "status":
      return { ok: true, command: "status", status: await supervisor.status() };
    case "ping":
      return { ok: true, command: "ping", pool: request.pool, ms: await supervisor.ping(request.pool) };
    case "stop":
      supervisor.stop("holdfast stop");
      await sealed;
      return { ok: true, command: "stop" };
  }
}

function scopeOf({ pool, changed }: Extract<ControlRequest, { command: "reload" }>): ReloadScope {
  if (pool === undefined && !changed) return "all";
  return { changed: changed === true, pools: pool === undefined ? [] : [pool] };
}

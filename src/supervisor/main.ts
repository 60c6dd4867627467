// Starts a supervisor in this process: for `holdfast start`, and for commands that bring their own
// configuration. Sockets first, then processes; undone in the reverse order.

import { fileURLToPath } from "node:url";
import { type Clock, systemClock } from "../base/clock.ts";
import type { Config, ListenAddress } from "../config/schema.ts";
import type { ControlReply, ControlRequest, StatusReport } from "../messages/control.ts";
import { createLog, type Log, resolveLogFormat } from "../telemetry/log.ts";
import { type Address, bindAddress } from "./addresses.ts";
import { type ControlSocket, openControl } from "./control.ts";
import { poolIdentity } from "./identity.ts";
import { Supervisor } from "./supervisor.ts";

export { handleSignals, type Stoppable } from "./signals.ts";

export interface StartOptions {
  /** Default: as the configuration says, on standard error. */
  readonly log?: Log;
  /** The program of a pool process; for tests. */
  readonly entry?: string;
  readonly clock?: Clock;
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
  /** Lets open requests finish, within the stop timeout; settles as `done` does. */
  stop(reason: string): Promise<void>;
  /** Ends everything at once. */
  stopNow(reason: string): Promise<void>;
  status(): Promise<StatusReport>;
  /** Milliseconds until the pool's main thread answered. Rejects with USAGE (no such pool) or LISTEN (no answer). */
  ping(pool: string): Promise<number>;
}

/**
 * Binds the control socket and every address, then starts the pools. Rejects with LISTEN or CONFIG,
 * and leaves nothing behind, when a socket cannot be bound or a pool may not run as it says.
 */
export async function startSupervisor(config: Config, options: StartOptions = {}): Promise<RunningSupervisor> {
  const logFormat = resolveLogFormat(config.supervisor.logFormat, process.stderr.isTTY === true);
  const log = options.log ?? createLog(logFormat, config.supervisor.logLevel);
  for (const pool of config.pools) poolIdentity(pool);

  const addresses: Address[] = [];
  let control: ControlSocket | undefined;
  let supervisor: Supervisor;
  const sealed = Promise.withResolvers<void>();
  // A request that arrives before there is a supervisor waits for it.
  const made = Promise.withResolvers<Supervisor>();
  made.promise.catch(() => {});
  try {
    // First, because it tells whether another supervisor runs on this configuration.
    const answer = async (request: ControlRequest): Promise<ControlReply> =>
      reply(request, await made.promise, sealed.promise);
    control = await openControl(config.supervisor.control, answer, log);
    for (const pool of config.pools) addresses.push(await bindAddress(pool));
    supervisor = new Supervisor(config, addresses, {
      log,
      logFormat,
      clock: options.clock ?? systemClock,
      entry: options.entry ?? fileURLToPath(new URL("../pool/main.js", import.meta.url)),
    });
  } catch (error) {
    made.reject(error);
    for (const address of addresses) await address.close();
    await control?.close();
    throw error;
  }
  made.resolve(supervisor);
  log.info("supervisor started", {
    pid: process.pid,
    control: config.supervisor.control,
    pools: config.pools.map(({ name }) => name).join(", "),
  });
  supervisor.start();

  const done = supervisor.ended.then(async () => {
    for (const address of addresses) await address.close();
    const closed = control.close();
    // Who waits for the stop hears of it when another supervisor could start.
    sealed.resolve();
    await closed;
    log.info("stopped");
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
    stop(reason) {
      supervisor.stop(reason);
      return done;
    },
    stopNow(reason) {
      supervisor.stopNow(reason);
      return done;
    },
    status: () => supervisor.status(),
    ping: (pool) => supervisor.ping(pool),
  };
}

async function reply(request: ControlRequest, supervisor: Supervisor, sealed: Promise<void>): Promise<ControlReply> {
  switch (request.command) {
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

// The pool process: says hello to the supervisor, is configured, serves, drains. Everything it
// knows comes over IPC; its listening socket is an inherited descriptor.

import { systemClock } from "../base/clock.ts";
import { FAULTS, Fault, toFaultData } from "../base/fault.ts";
import type { FromPool, ToPool } from "../messages/lifecycle.ts";
import { createLog, type Log } from "../telemetry/log.ts";
import { privateCacheDir } from "./cache-dir.ts";
import { Pool } from "./pool.ts";

/** A pool that leaves by itself, or whose supervisor is gone, finishes what it has within this time. */
const OWN_DRAIN_MS = 30_000;

/** A process with a thread that cannot be ended has this long for everything else. */
const STUCK_DRAIN_MS = 10_000;

let pool: Pool | undefined;
let log: Log = createLog("json");
let leaving = false;

function send(message: FromPool): void {
  if (process.connected) process.send?.(message);
}

async function configure(message: Extract<ToPool, { kind: "configure" }>): Promise<void> {
  const { pool: config, generation, fd } = message;
  process.title = `holdfast: pool ${config.name}`;
  log = createLog(message.logFormat, message.logLevel).with({ pool: config.name });
  pool = new Pool({
    config,
    generation,
    clock: systemClock,
    log,
    cacheDir: await privateCacheDir(),
    unendable: replaceProcess,
  });
  try {
    await pool.start({ fd });
    send({ kind: "ready", workers: config.threads });
  } catch (error) {
    const fault = toFaultData(error, "BOOT");
    send({ kind: "boot-failed", fault });
    await pool.close();
    leave(FAULTS[fault.code].exit);
  }
}

async function drain(withinMs: number): Promise<void> {
  if (leaving) return;
  leaving = true;
  await pool?.drain(systemClock.now() + withinMs);
  leave(0);
}

/** Another process takes over at once; this one answers what it can, and is then ended by the only thing that ends it. */
function replaceProcess(): void {
  if (leaving) return;
  leaving = true;
  send({ kind: "draining", withinMs: STUCK_DRAIN_MS });
  const kill = (): void => void process.kill(process.pid, "SIGKILL");
  systemClock.at(systemClock.now() + STUCK_DRAIN_MS, kill);
  pool?.drain(systemClock.now() + STUCK_DRAIN_MS).then(kill, fatal);
}

/** Ends the process once what it said to the supervisor has left. */
function leave(code: number): void {
  process.exitCode = code;
  if (process.connected) process.disconnect?.();
  // A handle that some library left open must not keep a drained pool alive.
  setImmediate(() => process.exit(code));
}

function received(message: ToPool): void {
  switch (message.kind) {
    case "configure":
      configure(message).catch(fatal);
      break;
    case "drain":
      drain(message.withinMs).catch(fatal);
      break;
    case "status":
      if (pool !== undefined) send({ kind: "status", id: message.id, status: pool.status() });
      break;
    case "ping":
      send({ kind: "pong", id: message.id });
      break;
  }
}

function fatal(error: unknown): void {
  log.error("the pool process failed", { ...toFaultData(error, "BOOT") });
  process.exit(FAULTS.BOOT.exit);
}

if (process.send === undefined) {
  throw new Fault("USAGE", "a pool process is started by the supervisor", {
    hint: "Run `holdfast start` or `holdfast serve`.",
  });
}
// A defect of ours: the supervisor starts another process, and the log says why.
process.on("uncaughtException", fatal);
process.on("unhandledRejection", fatal);
process.on("message", received);
process.on("disconnect", () => {
  if (leaving) return;
  drain(OWN_DRAIN_MS).catch(fatal);
});
// Ctrl-C reaches the whole terminal group; the supervisor decides what it means.
for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR2"] as const) process.on(signal, () => {});
// Without a listener Node opens its inspector on SIGUSR1.
process.on("SIGUSR1", () => {});
process.on("SIGTERM", () => {
  // First, so that another is started while we finish: who connects meanwhile waits for it.
  if (!leaving) send({ kind: "draining", withinMs: OWN_DRAIN_MS });
  drain(OWN_DRAIN_MS).catch(fatal);
});
send({ kind: "hello" });

// The pool process: says hello to the supervisor, is configured, serves, drains. Everything it
// knows comes over IPC; its listening socket is an inherited descriptor.

import type { SendHandle } from "node:child_process";
import { systemClock } from "../base/clock.ts";
import { FAULTS, Fault, messageOf, toFaultData } from "../base/fault.ts";
import { LEAST_URGENT, ownNiceness, setNiceness, setNicenessOfBusy } from "../base/niceness.ts";
import type { PoolConfig } from "../config/schema.ts";
import type { EstateAddress, FromPool, KeptConnection, ToPool } from "../messages/lifecycle.ts";
import { createLog, type Log } from "../telemetry/log.ts";
import type { ConnectionHandle } from "./accept.ts";
import { privateCacheDir } from "./cache-dir.ts";
import { DESCRIPTORS_LOOK_MS, Descriptors } from "./descriptors.ts";
import { type LogOutputs, openLogOutputs } from "./log-outputs.ts";
import { Pool } from "./pool.ts";
import { verifyPrivileges } from "./privileges.ts";

/** A pool that leaves by itself, or whose supervisor is gone, finishes what it has within this time. */
const OWN_DRAIN_MS = 30_000;

/** A process with a thread that cannot be ended has this long for everything else. */
const STUCK_DRAIN_MS = 10_000;

/** The supervisor takes the last lines of the log within this time, or they are lost. */
const LOG_FLUSH_MS = 1000;

let pool: Pool | undefined;
let log: Log = createLog("json");
let outputs: LogOutputs | undefined;
let leaving = false;
let left = false;
let unendable = false;
/** Connections on their way to another process, the oldest first. */
const givenAway: { readonly handle: ConnectionHandle; readonly settled: () => void }[] = [];
const mayServe = Promise.withResolvers<EstateAddress | undefined>();

function send(message: FromPool): void {
  if (process.connected) process.send?.(message);
}

async function configure(message: Extract<ToPool, { kind: "configure" }>): Promise<void> {
  const { pool: config, generation, fd } = message;
  process.title = `holdfast: pool ${config.name}`;
  outputs = openLogOutputs(message.log);
  log = outputs.log.with({ pool: config.name });
  try {
    if (message.user !== undefined) verifyPrivileges(message.user);
    settle(config);
  } catch (error) {
    await bootFailed(error);
    return;
  }
  pool = new Pool({
    config,
    generation,
    clock: systemClock,
    log,
    logLimitBytes: message.log.limitBytes,
    access: outputs.access,
    cacheDir: await privateCacheDir(),
    unendable: replaceProcess,
    replace: askForReplacement,
    proven: () => send({ kind: "proven" }),
    forsaken: stepBack,
  });
  try {
    await pool.boot();
    if (message.replaces) await rehearsed(pool);
    send({ kind: "booted", workers: config.threads.min });
    const estate = await mayServe.promise;
    if (estate !== undefined) await pool.shared.inherit(estate);
    if (leaving) return;
    await pool.listen({ fd });
    watchDescriptors(fd);
    send({ kind: "ready", bequeaths: true });
  } catch (error) {
    await bootFailed(error);
  }
}

/** Nothing depends on it. */
async function rehearsed(booted: Pool): Promise<void> {
  const begun = performance.now();
  try {
    const requests = await booted.rehearse();
    log.debug("rehearsed", { requests, ms: Math.round(performance.now() - begun) });
  } catch (error) {
    log.debug("it begins unrehearsed", { reason: messageOf(error) });
  }
}

async function bootFailed(error: unknown): Promise<void> {
  const fault = toFaultData(error, "BOOT");
  send({ kind: "boot-failed", fault });
  await pool?.close();
  leave(FAULTS[fault.code].exit);
}

/** What belongs to the whole process, and so cannot be a worker's matter. */
function settle({ name, umask, chdir }: PoolConfig): void {
  process.umask(umask);
  if (chdir === undefined) return;
  try {
    // The supervisor began us there; whether this user may be there is known only now.
    process.chdir(chdir);
  } catch (cause) {
    throw new Fault("BOOT", `pools.${name}: its user cannot work in ${chdir}: ${messageOf(cause)}`, {
      hint: "let the user enter the folder, or name another one in chdir",
      cause,
    });
  }
}

/** May be asked for again, with less time or with nobody left who takes the connections. */
async function drain(withinMs: number, handOver = false): Promise<void> {
  const isFirst = !leaving;
  leaving = true;
  if (isFirst && handOver) giveWay((own) => setNicenessOfBusy(process.pid, own));
  const drained = pool?.drain(systemClock.now() + withinMs, handOver ? giveAway : undefined);
  if (!isFirst) return;
  await drained;
  leave(0);
}

/** Another process takes this one's place, and what its workers share. */
async function bequeath(id: number): Promise<void> {
  let estate: EstateAddress | undefined;
  try {
    estate = await pool?.shared.bequeath();
  } catch (error) {
    log.warn("what workers share stays behind", { reason: messageOf(error) });
  }
  send({ kind: "bequest", id, ...(estate === undefined ? {} : { estate }) });
}

/** Sends a connection to the supervisor, who knows which process takes it; resolves when that has it. */
function giveAway(handle: ConnectionHandle, connection: KeptConnection): Promise<void> {
  return new Promise((settled) => {
    const given = { handle, settled };
    givenAway.push(given);
    const message: FromPool = { kind: "connection", ...connection };
    process.send?.(message, handle as unknown as SendHandle, {}, (error) => {
      // The kernel keeps what is on its way; this is only our copy.
      handle.close();
      if (error === null) return;
      log.warn("a connection could not be given away and is closed", { reason: error.message });
      givenAway.splice(givenAway.indexOf(given), 1);
      settled();
    });
  });
}

/** Another process of this generation is started; this one serves until it does and this one is told to drain. */
function askForReplacement(reason: string): void {
  if (!leaving) send({ kind: "replace-me", reason });
}

/** A process whose ears the app has closed is replaced; one that cannot even say so ends at once. */
function watchDescriptors(listening: number): void {
  // Node does not document it; without it only the socket is watched.
  const channel = (process.channel as { readonly fd?: number } | undefined)?.fd;
  const descriptors = new Descriptors(channel === undefined ? [listening] : [listening, channel]);
  const timer = setInterval(() => {
    const lost = leaving ? [] : descriptors.lost();
    if (lost.length === 0) return;
    clearInterval(timer);
    log.error("the app closed a descriptor that is not its own; the process is replaced", { descriptors: lost });
    if (channel !== undefined && lost.includes(channel)) process.kill(process.pid, "SIGKILL");
    else askForReplacement("it no longer hears who connects");
  }, DESCRIPTORS_LOOK_MS).unref();
}

/** Another process takes over; this one answers what it can, and is then ended by the only thing that ends it. */
function replaceProcess(): void {
  if (unendable) return;
  unendable = true;
  askForReplacement("a thread cannot be ended");
  systemClock.at(systemClock.now() + STUCK_DRAIN_MS, () => process.kill(process.pid, "SIGKILL"));
}

/** Its workers' end and its own exit are work too, which whoever serves now has better use for. */
function stepBack(): void {
  giveWay(() => setNiceness(process.pid, LEAST_URGENT));
}

function giveWay(set: (own: number) => void): void {
  try {
    set(ownNiceness());
  } catch {
    // Forbidden by a filter: it leaves like any other.
  }
}

/** Ends the process once what it said to the supervisor has left. */
function leave(code: number): void {
  left = true;
  // An exit would wait for the thread.
  if (unendable) process.kill(process.pid, "SIGKILL");
  process.exitCode = code;
  if (process.connected) process.disconnect?.();
  const flushed = outputs?.flushed(LOG_FLUSH_MS) ?? Promise.resolve();
  // A handle that some library left open must not keep a drained pool alive.
  void flushed.then(() => setImmediate(() => process.exit(code)));
}

function received(message: ToPool, handle: ConnectionHandle | undefined): void {
  switch (message.kind) {
    case "configure":
      configure(message).catch(fatal);
      break;
    case "serve":
      mayServe.resolve(message.estate);
      break;
    case "drain":
      drain(message.withinMs, message.handOver).catch(fatal);
      break;
    case "release-pages":
      pool?.releasePages();
      break;
    case "connection":
      // Without descriptors to spare the kernel delivers the message alone.
      if (handle === undefined) log.warn("a kept connection was lost", { reason: "its descriptor did not arrive" });
      else pool?.adopt(handle, { used: message.used });
      break;
    case "given":
      givenAway.shift()?.settled();
      break;
    case "bequeath":
      bequeath(message.id).catch(fatal);
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
process.on("message", (message, handle) => received(message as ToPool, handle as ConnectionHandle | undefined));
process.on("disconnect", () => {
  // Node calls nobody back for what waited in the channel: who is connected is to know that it goes nowhere.
  for (const { handle, settled } of givenAway.splice(0)) {
    handle.close();
    settled();
  }
  // We let go of the channel ourselves.
  if (left) return;
  drain(OWN_DRAIN_MS).catch(fatal);
});
// Ctrl-C reaches the whole terminal group; the supervisor decides what it means.
for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR2"] as const) process.on(signal, () => {});
// Without a listener Node opens its inspector on SIGUSR1.
process.on("SIGUSR1", () => {});
process.on("SIGTERM", () => {
  askForReplacement("told by a signal to leave");
  // Whether or not there is another by then.
  systemClock.at(systemClock.now() + OWN_DRAIN_MS, () => {
    send({ kind: "draining", withinMs: OWN_DRAIN_MS });
    drain(OWN_DRAIN_MS).catch(fatal);
  });
});
send({ kind: "hello" });

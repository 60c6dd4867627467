// Programs that the bench starts and ends: each is known by its pid, has a deadline for its start
// and for its end, and says in its log why it did not come up.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { Fault } from "../src/base/fault.ts";

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 25;

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** Standard output and error go here. */
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly stopSignal?: NodeJS.Signals;
}

export interface Child {
  readonly pid: number;
  /** Ends it; resolves when it is gone. */
  stop(): Promise<void>;
}

/** A path of a unix socket, or a port on 127.0.0.1. */
export type Address = string | number;

/** Starts `program`; resolves once it accepts connections at `address`. */
export async function startChild(program: Program, address: Address): Promise<Child> {
  const log = openSync(program.logFile, "a");
  const child = spawn(program.command, [...program.args], {
    stdio: ["ignore", log, log],
    env: program.env ?? process.env,
    // A session of its own, as from a service manager: Linux's scheduler shares processors among sessions
    // before it does among threads (autogroup, sched(7)).
    detached: true,
  });
  closeSync(log);
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`ended with ${signal ?? `code ${code}`}`)));
  });
  try {
    await Promise.race([failed, accepting(address)]);
  } catch (cause) {
    await stop(child, "SIGKILL");
    const said = readFileSync(program.logFile, "utf8").slice(-2000);
    throw new Fault("LISTEN", `${program.command} did not come up: ${String(cause)}\n${said}`, { cause });
  }
  failed.catch(() => undefined);
  return { pid: child.pid ?? 0, stop: () => stop(child, program.stopSignal ?? "SIGTERM") };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
}

/** Resolves once something accepts connections at `address`. */
export async function accepting(address: Address): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (await accepts(address)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`nothing listens at ${address} after ${START_TIMEOUT_MS} ms`);
}

function accepts(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = typeof address === "string" ? connect(address) : connect(address, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

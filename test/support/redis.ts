// A real Redis or Valkey server for a test: its own folder, a unix socket in it, no port, nothing written to disk.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skip } from "./skip.ts";

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5000;

const program = findProgram();

/** `describe`, or a skip that says why. */
export function describeWithRedis(title: string, body: () => void): void {
  if (program !== undefined) describe(title, body);
  else skip(title, "no Redis or Valkey server is installed", body);
}

export interface TestRedis {
  /** For session.url. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
  /** After `stop`: the same address again, empty. */
  start(): Promise<void>;
  /** Ends it for good, and removes its folder. */
  remove(): Promise<void>;
}

export async function startRedis(): Promise<TestRedis> {
  if (program === undefined) throw new Error("no Redis or Valkey server is installed");
  const folder = mkdtempSync(join(tmpdir(), "hf-redis-"));
  const socket = join(folder, "s");
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (child !== undefined) await end(child);
    child = undefined;
  };
  const remove = async (): Promise<void> => {
    await stop();
    rmSync(folder, { recursive: true });
  };
  const start = async (): Promise<void> => {
    child = spawn(
      program,
      [
        ...["--port", "0", "--unixsocket", socket, "--unixsocketperm", "777", "--dir", folder],
        ...["--save", "", "--appendonly", "no", "--daemonize", "no"],
      ],
      { cwd: folder, stdio: ["ignore", "pipe", "inherit"] },
    );
    await ready(child);
  };
  try {
    await start();
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    url: `unix://${socket}`,
    get pid() {
      // 0 would be everybody.
      if (child?.pid === undefined) throw new Error("the Redis server does not run");
      return child.pid;
    },
    start,
    stop,
    remove,
  };
}

function findProgram(): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/bin", "/usr/local/bin"];
  return ["redis-server", "valkey-server"]
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`the Redis server ${why}:\n${said}`));
    };
    const timer = setTimeout(() => fail(`was not ready in ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(`ended with ${code}`));
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-10_000);
      if (!/ready to accept connections/i.test(said)) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGCONT");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
}

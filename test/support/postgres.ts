// A real PostgreSQL server for a test: its own folder, a free port on 127.0.0.1, one superuser
// without a password, no fsync. PostgreSQL refuses to run as root, so root runs it as `postgres` or
// `nobody`.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Account, findPostgres, initialise, serve } from "../../bench/postgres.ts";
import { freePorts } from "./apache.ts";
import { skip } from "./skip.ts";

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5000;
const USER = "guest";

const programs = findPostgres();

/** `describe`, or a skip that says why. */
export function describeWithPostgres(title: string, body: () => void): void {
  if (programs !== undefined) describe(title, body);
  else skip(title, "no PostgreSQL server is installed", body);
}

export interface TestPostgres {
  /** For DATABASE_URL. */
  readonly url: string;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<TestPostgres> {
  if (programs === undefined) throw new Error("no PostgreSQL server is installed");
  const account = accountFor(process.getuid?.() ?? 0);
  const folder = mkdtempSync(join(tmpdir(), "hf-pg-"));
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
  chmodSync(folder, 0o700);
  const data = join(folder, "data");
  const cluster = { programs, data, user: USER, account };
  const { command, args } = initialise(cluster);
  execFileSync(command, args, { cwd: "/", stdio: ["ignore", "ignore", "inherit"] });
  const [port = 0] = await freePorts(1);
  const server = serve(cluster, [...["-k", folder, "-h", "127.0.0.1", "-p", String(port), "-c", "max_connections=20"]]);
  const child = spawn(server.command, server.args, { cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true });
  };
  try {
    await ready(child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `postgres://${USER}@127.0.0.1:${port}/postgres`, stop };
}

function accountFor(uid: number): Account | undefined {
  if (uid !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    try {
      const id = (flag: string) => Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] }));
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      // this machine does not know the name
    }
  }
  throw new Error("PostgreSQL does not run as root, and neither postgres nor nobody is a user here");
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (why: string) => reject(new Error(`PostgreSQL ${why}:\n${said}`));
    const timer = setTimeout(() => fail(`was not ready in ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);
    child.once("error", reject);
    child.once("exit", (code) => fail(`ended with ${code}`));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-10_000);
      if (!said.includes("ready to accept connections")) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  // SIGINT is its fast shutdown: open connections are ended.
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
}

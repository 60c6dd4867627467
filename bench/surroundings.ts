// The folder of one run, and the end of everything that was started in it: in reverse order, also
// after an error and when the run is interrupted.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Child } from "./child.ts";
import type { Surroundings, User } from "./peer.ts";

export interface Run extends Surroundings {
  /** Ends `child` when the run ends. */
  own<T extends Child>(child: T): T;
}

/** The repository, seen from dist/bench. */
export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export async function withRun<T>(measure: (run: Run) => Promise<T>): Promise<T> {
  // Apache's user must get through to the sockets.
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  chmodSync(folder, 0o755);
  const children: Child[] = [];
  const end = async () => {
    for (let child = children.pop(); child !== undefined; child = children.pop()) await child.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  let signalled: NodeJS.Signals | undefined;
  let interrupt = (_signal: NodeJS.Signals): void => {};
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = (signal) => {
      signalled = signal;
      reject(new Error(`ended by ${signal}`));
    };
  });
  for (const signal of SIGNALS) process.once(signal, interrupt);
  const run: Run = {
    folder,
    repository: REPOSITORY,
    user: process.getuid?.() === 0 ? unprivileged() : undefined,
    own(child) {
      children.push(child);
      return child;
    },
  };
  try {
    return await Promise.race([measure(run), interrupted]);
  } finally {
    await end();
    for (const signal of SIGNALS) process.off(signal, interrupt);
    // What the signal does without a handler, now that nothing is left to end.
    if (signalled !== undefined) process.kill(process.pid, signalled);
  }
}

function unprivileged(): User {
  const id = (...args: string[]) =>
    execFileSync("id", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  for (const name of ["www-data", "nobody"]) {
    try {
      return { name, group: id("-gn", name) };
    } catch {
      // this system does not know the name
    }
  }
  throw new Error("neither www-data nor nobody is a user here");
}

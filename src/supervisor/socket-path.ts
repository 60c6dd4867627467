// Makes the path of a unix socket free to bind: what a dead process left there is removed, what a
// living one listens on, or what is no socket, is left alone and refused. Used for the pools'
// addresses and for the control socket.

import { accessSync, constants, lstatSync, statSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { Fault, messageOf } from "../base/fault.ts";

/** How long a listener may take to accept a connection until we believe that it is there anyway. */
const CONNECT_TIMEOUT_MS = 1000;

/** Resolves when `path` can be bound. Rejects with LISTEN and what to do. */
export async function freeSocketPath(path: string): Promise<void> {
  checkFolder(path);
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) {
    throw new Fault("LISTEN", `${path} exists and is no socket`, {
      hint: "it is left alone: remove it, or name another path",
    });
  }
  if ((await probe(path)) === "live") {
    throw new Fault("LISTEN", `another process already listens on ${path}`, {
      hint: "stop it first (`holdfast stop`), or name another path",
    });
  }
  try {
    unlinkSync(path);
  } catch (cause) {
    throw new Fault("LISTEN", `the stale socket ${path} cannot be removed: ${reason(cause)}`, { cause });
  }
}

function checkFolder(path: string): void {
  const folder = dirname(path);
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new Fault("LISTEN", `there is no folder ${folder} for the socket ${path}`, {
      hint: `create it (mkdir -p ${folder}), or name another path`,
    });
  }
  const isFree = (stats.mode & 0o002) !== 0 && (stats.mode & 0o1000) === 0;
  if (isFree) {
    throw new Fault("LISTEN", `anyone may replace a socket in ${folder}`, {
      hint: `chmod o-w ${folder}, or name another path`,
    });
  }
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new Fault("LISTEN", `no socket can be made in ${folder}: ${reason(cause)}`, {
      hint: "make the folder writable for this user, or name another path",
      cause,
    });
  }
}

/** Connecting is the only test: a path does not tell whether somebody still listens. */
function probe(path: string): Promise<"live" | "stale"> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.setTimeout(CONNECT_TIMEOUT_MS);
    const settle = (result: "live" | "stale"): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => settle("live"));
    socket.once("timeout", () => settle("live"));
    socket.once("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ECONNREFUSED" || cause.code === "ENOENT") settle("stale");
      // EAGAIN: its backlog is full. EPROTOTYPE: it is a datagram socket.
      else if (cause.code === "EAGAIN" || cause.code === "EPROTOTYPE") settle("live");
      else reject(new Fault("LISTEN", `the socket ${path} cannot be tried: ${reason(cause)}`, { cause }));
    });
  });
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "EROFS") return "the file system is read-only";
  return messageOf(error);
}

// How a datagram reaches the service manager's unix socket. Node has no such sockets, so the system's C
// library is called where Node can (`node:ffi`, from 26.1 on), and else systemd-notify(1) is run. Only
// the first sends in this process's own name; see docs/decisions/0012-service-manager.md.

import { execFile } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import { endianness } from "node:os";

export interface Transport {
  /** Sends one datagram, in the order of the calls. Never throws and never waits. */
  send(message: string): void;
  /** Resolves when what was sent has left, or cannot. */
  close(): Promise<void>;
}

/** For systemd-notify to hand one message over, ms. */
const COMMAND_TIMEOUT_MS = 5000;
/** Messages that wait for systemd-notify; more than these means that it hangs, and the oldest go. */
const COMMAND_QUEUE = 32;

/** `path` as in NOTIFY_SOCKET: "@" stands for the NUL of an abstract name. */
export function openTransport(path: string, failed: (error: unknown) => void): Transport {
  const connect = findConnect();
  return connect === undefined ? commandTransport(path, failed) : socketTransport(() => connect(path), failed);
}

/** Whether messages carry this process's own id, so that a unit may say `NotifyAccess=main`. */
export function sendsAsItself(): boolean {
  return findConnect() !== undefined;
}

/** Sends through a connected datagram socket of this process; `connect` returns its descriptor. */
export function socketTransport(connect: () => number, failed: (error: unknown) => void): Transport {
  let fd: number | undefined;
  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const attempt = (message: string): void => {
    fd ??= connect();
    writeSync(fd, message);
  };
  return {
    send(message) {
      const isFresh = fd === undefined;
      try {
        try {
          attempt(message);
        } catch (error) {
          close();
          if (isFresh) throw error;
          // The manager has another socket under the same name since we connected.
          attempt(message);
        }
      } catch (error) {
        close();
        failed(error);
      }
    },
    close() {
      close();
      return Promise.resolve();
    },
  };
}

/** Runs systemd-notify once for each message, one after the other. */
export function commandTransport(
  path: string,
  failed: (error: unknown) => void,
  command = "systemd-notify",
): Transport {
  const queue: string[] = [];
  let running: Promise<void> | undefined;
  const run = (message: string): Promise<void> =>
    new Promise((resolve) => {
      const env = { PATH: process.env.PATH ?? "/usr/bin:/bin", NOTIFY_SOCKET: path };
      const args = ["--", ...message.split("\n")];
      execFile(command, args, { env, timeout: COMMAND_TIMEOUT_MS, killSignal: "SIGKILL" }, (error) => {
        if (error !== null) failed(error);
        resolve();
      });
    });
  const drain = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await run(next);
    running = undefined;
  };
  return {
    send(message) {
      queue.push(message);
      if (queue.length > COMMAND_QUEUE) queue.shift();
      running ??= drain();
    },
    close: () => running ?? Promise.resolve(),
  };
}

/** [unix(7)] and <asm-generic/socket.h>; the manager that is spoken to runs on Linux only. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SUN_PATH_BYTES = 108;

type Connect = (path: string) => number;

let found: { readonly connect: Connect | undefined } | undefined;

function findConnect(): Connect | undefined {
  found ??= { connect: process.platform === "linux" ? loadConnect() : undefined };
  return found.connect;
}

function loadConnect(): Connect | undefined {
  const libc = loadLibc();
  if (libc === undefined) return undefined;
  return (path) => {
    const address = unixAddress(path);
    const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw new Error("no socket could be made");
    if (libc.connect(fd, address, address.length) === 0) return fd;
    closeSync(fd);
    throw new Error(`cannot connect to ${path}`);
  };
}

interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  connect(fd: number, address: Buffer, length: number): number;
}

/** undefined where this Node cannot call C, or is not allowed to. */
function loadLibc(): Libc | undefined {
  const { emitWarning } = process;
  // Loading the module warns the administrator that an interface of Node is experimental.
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule("node:ffi")?.dlopen(null, {
      socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
      connect: { arguments: ["i32", "buffer", "u32"], return: "i32" },
    }).functions;
  } catch {
    // Built without it, switched off, or forbidden by the permission model: there is the command.
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** struct sockaddr_un, as long as its path needs. Throws RangeError for a path that does not fit. */
function unixAddress(path: string): Buffer {
  const name = Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > SUN_PATH_BYTES) throw new RangeError(`${path} is too long for a unix socket`);
  const family = Buffer.alloc(2);
  if (endianness() === "LE") family.writeUInt16LE(AF_UNIX);
  else family.writeUInt16BE(AF_UNIX);
  return Buffer.concat([family, name]);
}

// The addresses of the pools. A socket is bound here without being listened on: every generation of a
// pool inherits the descriptor and listens itself, so between two generations clients wait in the
// backlog. The only file that uses Node's unpublished `_createServerHandle`, the call that its cluster
// module makes for the same purpose; see docs/decisions/.

import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lchownSync,
  openSync,
  unlinkSync,
} from "node:fs";
import net from "node:net";
import { getSystemErrorName } from "node:util";
import { Fault } from "../base/fault.ts";
import { formatAddress } from "../config/address.ts";
import type { ListenAddress, PoolConfig } from "../config/schema.ts";
import { groupId, userId } from "./identity.ts";
import { InheritedSockets } from "./inherited.ts";
import { freeSocketPath } from "./socket-path.ts";

interface BoundHandle {
  readonly fd: number;
  close(done?: () => void): void;
  /** TCP only. Returns 0 or a negative errno. */
  getsockname?(into: { address?: string; port?: number }): number;
}

type CreateServerHandle = (address: string, port: number, addressType: number) => BoundHandle | number;

const createServerHandle = (net as unknown as { readonly _createServerHandle: CreateServerHandle })._createServerHandle;

/** A bound socket. It outlives every process that listens on it. */
export interface Address {
  /** As a client would write it; a port 0 has become the real one. */
  readonly listen: ListenAddress;
  /** Descriptor in this process. */
  readonly fd: number;
  /** Whether its unix path, if it has one, was made by Holdfast and is removed by `close`. */
  readonly owned: boolean;
  /** Lets go of the socket; a unix path that was bound here disappears. */
  close(): Promise<void>;
}

type AddressOptions = Pick<PoolConfig, "listen" | "listenOwner" | "listenGroup" | "listenMode">;

/**
 * Binds the address of a pool, unless the service manager has passed a socket that is bound to it.
 * Rejects with LISTEN and what to do.
 */
export async function bindAddress(
  options: AddressOptions,
  inherited: InheritedSockets = new InheritedSockets(),
): Promise<Address> {
  const { listen } = options;
  const socket = inherited.take(listen);
  if (socket !== undefined) {
    const close = async (): Promise<void> => inherited.giveBack(socket);
    return { listen: socket.bound ?? listen, fd: socket.fd, owned: false, close };
  }
  switch (listen.kind) {
    case "unix":
      return bindUnix(listen.path, options);
    case "tcp":
      return bindTcp(listen.host, listen.port);
    case "systemd":
      throw new Fault("LISTEN", `${formatAddress(listen)}: no listening socket of that name was passed`, {
        hint: `start the socket unit with FileDescriptorName=${listen.name} (see \`holdfast systemd\`), or write a path`,
      });
  }
}

/** A socket that another supervisor bound and passed to this one. */
export function passedAddress({ listen, fd, owned }: Omit<Address, "close">): Address {
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    closeSync(fd);
    if (owned && listen.kind === "unix" && existsSync(listen.path)) unlinkSync(listen.path);
  };
  return { listen, fd, owned, close };
}

async function bindUnix(path: string, options: AddressOptions): Promise<Address> {
  const uid = options.listenOwner === undefined ? -1 : userId(options.listenOwner, "listen_owner");
  const gid = options.listenGroup === undefined ? -1 : groupId(options.listenGroup, "listen_group");
  await freeSocketPath(path);
  // Nobody may connect until owner and group are right.
  const umask = process.umask(0o177);
  let handle: BoundHandle | number;
  try {
    handle = createServerHandle(path, -1, -1);
  } finally {
    process.umask(umask);
  }
  if (typeof handle === "number") throw refusal(path, handle);
  const address: Address = { listen: { kind: "unix", path }, fd: handle.fd, owned: true, close: closing(handle, path) };
  try {
    give(path, { uid, gid, mode: options.listenMode });
  } catch (cause) {
    await address.close();
    throw new Fault("LISTEN", `owner or mode of ${path} cannot be set: ${(cause as Error).message}`, {
      hint: "only root may give a socket to another user; leave listen_owner and listen_group out, or start as root",
      cause,
    });
  }
  return address;
}

/** open(2): a descriptor that only names the file. Node has no name for it; the same on x86 and ARM. */
const O_PATH = 0o10000000;

/**
 * Sets owner and mode of the socket that was just bound. Whoever may write its folder could have put a
 * link in its place by now, and root would give that away: so it is held, looked at, and then changed.
 */
function give(path: string, { uid, gid, mode }: { uid: number; gid: number; mode: number }): void {
  if (process.platform !== "linux") {
    if (uid !== -1 || gid !== -1) lchownSync(path, uid, gid);
    chmodSync(path, mode);
    return;
  }
  const held = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    const stats = fstatSync(held);
    if (!stats.isSocket() || stats.uid !== process.geteuid?.() || stats.nlink !== 1) {
      throw new Error("something else has been put in its place");
    }
    const itself = `/proc/self/fd/${held}`;
    if (uid !== -1 || gid !== -1) chownSync(itself, uid, gid);
    chmodSync(itself, mode);
  } finally {
    closeSync(held);
  }
}

async function bindTcp(host: string, port: number): Promise<Address> {
  const written = formatAddress({ kind: "tcp", host, port });
  const handle = createServerHandle(host, port, host.includes(":") ? 6 : 4);
  if (typeof handle === "number") throw refusal(written, handle);
  // libuv keeps EADDRINUSE for listen(); asking for the name brings it out now.
  const name: { port?: number } = {};
  const error = handle.getsockname?.(name) ?? 0;
  const close = closing(handle);
  if (error !== 0) {
    await close();
    throw refusal(written, error);
  }
  return { listen: { kind: "tcp", host, port: name.port ?? port }, fd: handle.fd, owned: true, close };
}

/** Closing again waits for the same end. */
function closing(handle: BoundHandle, path?: string): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= new Promise((resolve) => {
      // libuv unlinks the path that a pipe bound when it closes.
      handle.close(() => {
        if (path !== undefined && existsSync(path)) unlinkSync(path);
        resolve();
      });
    });
    return closed;
  };
}

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process has it: stop that, or choose another address",
  EADDRNOTAVAIL: "this machine has no such address: see `ip address`",
  EACCES: "ports below 1024 and foreign folders need root or CAP_NET_BIND_SERVICE",
};

function refusal(written: string, errno: number): Fault {
  const name = getSystemErrorName(errno);
  const hint = HINTS[name];
  return new Fault("LISTEN", `cannot bind ${written}: ${name}`, hint === undefined ? {} : { hint });
}

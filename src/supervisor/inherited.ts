// Sockets that the service manager opened and listens on for us [sd_listen_fds(3)]. They stay its own:
// clients that connect while no supervisor runs wait in them, and their paths are not ours to remove.

import { fstatSync, readFileSync } from "node:fs";
import { formatAddress, type ListenAddress } from "../config/address.ts";
import type { Log } from "../telemetry/log.ts";

/** [sd_listen_fds(3)] SD_LISTEN_FDS_START */
const FIRST_FD = 3;
/** More than any unit passes; a larger number is a mistake in the environment. */
const MOST_SOCKETS = 1024;

export interface InheritedSocket {
  readonly fd: number;
  /** FileDescriptorName= of the socket unit. */
  readonly name: string;
  /** What it is bound to; undefined: it does not listen for streams, and no pool can use it. */
  readonly bound: Exclude<ListenAddress, { kind: "systemd" }> | undefined;
}

/** The sockets that were passed to this process, each for one pool at a time. */
export class InheritedSockets {
  readonly #free: Set<InheritedSocket>;

  constructor(sockets: readonly InheritedSocket[] = []) {
    this.#free = new Set(sockets);
  }

  /**
   * The socket that is called NAME for "systemd:NAME", or that is bound to the address that a pool
   * wants; undefined if there is none. It belongs to the caller until `giveBack`.
   */
  take(listen: ListenAddress): InheritedSocket | undefined {
    const wanted = formatAddress(listen);
    for (const socket of this.#free) {
      if (socket.bound === undefined) continue;
      if (listen.kind === "systemd" ? socket.name !== listen.name : formatAddress(socket.bound) !== wanted) continue;
      this.#free.delete(socket);
      return socket;
    }
    return undefined;
  }

  giveBack(socket: InheritedSocket): void {
    this.#free.add(socket);
  }

  /** Those that no pool has taken. */
  get free(): readonly InheritedSocket[] {
    return [...this.#free];
  }
}

/**
 * What was passed to this process, by the variables LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, which
 * are taken out of `env`: what we start has other descriptors under these numbers.
 */
export function takeInheritedSockets(
  env: Record<string, string | undefined>,
  log: Log,
  pid = process.pid,
): InheritedSockets {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = env;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
  if (LISTEN_FDS === undefined) return new InheritedSockets();
  if (Number(LISTEN_PID) !== pid) {
    log.warn("LISTEN_FDS is meant for another process, and its sockets are left alone", { LISTEN_PID });
    return new InheritedSockets();
  }
  const count = Number(LISTEN_FDS);
  if (!Number.isInteger(count) || count < 0 || count > MOST_SOCKETS) {
    log.warn("LISTEN_FDS is no number of sockets, and is ignored", { LISTEN_FDS });
    return new InheritedSockets();
  }
  const names = LISTEN_FDNAMES?.split(":") ?? [];
  const streams = listeningStreams();
  return new InheritedSockets(
    Array.from({ length: count }, (_, index) => {
      const fd = FIRST_FD + index;
      return { fd, name: names[index] ?? "unknown", bound: streams.get(inodeOf(fd)) };
    }),
  );
}

/** -1 for what is no descriptor. */
function inodeOf(fd: number): number {
  try {
    return fstatSync(fd).ino;
  } catch {
    return -1; // No socket has this inode, so whoever wants it is told that there is none.
  }
}

type Bound = NonNullable<InheritedSocket["bound"]>;

/** Listening stream sockets by inode, as the kernel lists them [proc_net(5)]. */
function listeningStreams(): ReadonlyMap<number, Bound> {
  return new Map([
    ...rows("unix").flatMap(unixStream),
    ...rows("tcp").flatMap((row) => tcpStream(row, hostOfV4)),
    ...rows("tcp6").flatMap((row) => tcpStream(row, hostOfV6)),
  ]);
}

function rows(table: "unix" | "tcp" | "tcp6"): readonly string[] {
  try {
    return readFileSync(`/proc/self/net/${table}`, "utf8").split("\n").slice(1);
  } catch {
    return []; // A machine without IPv6 has no tcp6.
  }
}

/** SO_ACCEPTCON: somebody called listen(). */
const UNIX_LISTENS = 0x10000;
const SOCK_STREAM = 1;

function unixStream(row: string): [number, Bound][] {
  // Num RefCount Protocol Flags Type St Inode Path
  const match = /^\S+ \S+ \S+ ([0-9A-F]{8}) ([0-9A-F]{4}) \S+ +(\d+) (.+)$/i.exec(row);
  if (match === null) return [];
  const [, flags = "", type = "", inode, path = ""] = match;
  if ((Number.parseInt(flags, 16) & UNIX_LISTENS) === 0 || Number.parseInt(type, 16) !== SOCK_STREAM) return [];
  return [[Number(inode), { kind: "unix", path }]];
}

const TCP_LISTEN = "0A";

function tcpStream(row: string, hostOf: (hex: string) => string): [number, Bound][] {
  // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
  const [, local = "", , state, , , , , , inode] = row.trim().split(/\s+/);
  const [address = "", port = ""] = local.split(":");
  if (state !== TCP_LISTEN) return [];
  return [[Number(inode), { kind: "tcp", host: hostOf(address), port: Number.parseInt(port, 16) }]];
}

/** The kernel prints the four bytes of a word as one number of its own byte order: little-endian here. */
function bytesOf(hex: string): readonly number[] {
  return (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, "hex").reverse()]);
}

const hostOfV4 = (hex: string): string => bytesOf(hex).join(".");

function hostOfV6(hex: string): string {
  const bytes = bytesOf(hex);
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  // The shortest form, as an administrator writes it.
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}

// How many connections wait in the kernel to be accepted. The pool accepts at once, so that any that
// are found tell of a main thread that is late, or of processes that are too few. Read only while
// somebody looks at the status, and never waited for.
// Source: proc(5), /proc/net/unix and /proc/net/tcp

import { readFile } from "node:fs/promises";
import type { ListenAddress } from "../../config/schema.ts";

/** So many seconds after the status was looked at the file is read on. */
const WATCHED_TICKS = 60;

export class Backlog {
  readonly #address: ListenAddress;
  readonly #read: (path: string) => Promise<string>;
  #ticksLeft = 0;
  #reading = false;
  #waiting: number | undefined;

  constructor(address: ListenAddress, read: (path: string) => Promise<string> = (path) => readFile(path, "latin1")) {
    this.#address = address;
    this.#read = read;
  }

  /** As of the last second; undefined where the kernel does not say, or nobody had asked. */
  get waiting(): number | undefined {
    this.#ticksLeft = WATCHED_TICKS;
    return this.#waiting;
  }

  async tick(): Promise<void> {
    if (this.#ticksLeft === 0 || this.#reading) return;
    this.#ticksLeft--;
    this.#reading = true;
    try {
      this.#waiting = await this.#count();
    } catch {
      // No such file: not Linux, or a container that hides it.
      this.#waiting = undefined;
    } finally {
      this.#reading = false;
      if (this.#ticksLeft === 0) this.#waiting = undefined;
    }
  }

  async #count(): Promise<number | undefined> {
    const address = this.#address;
    if (address.kind === "unix") return unixBacklog(await this.#read("/proc/net/unix"), address.path);
    // Port 0 became some other one, and what systemd bound only systemd knows.
    if (address.kind !== "tcp" || address.port === 0) return undefined;
    const table = address.host.includes(":") ? "/proc/net/tcp6" : "/proc/net/tcp";
    return tcpBacklog(await this.#read(table), address.port);
  }
}

/** Connected, and nobody's yet. */
const CONNECTING = "02";

/** Lines of /proc/net/unix: `Num RefCount Protocol Flags Type St Inode Path`. */
export function unixBacklog(table: string, path: string): number {
  let waiting = 0;
  for (const line of table.split("\n")) {
    if (!line.endsWith(` ${path}`)) continue;
    const [, , , , , state, inode] = line.split(/ +/);
    if (state === CONNECTING && inode === "0") waiting++;
  }
  return waiting;
}

const LISTENING = "0A";

/** Lines of /proc/net/tcp: `sl local_address rem_address st tx_queue:rx_queue …`; of who listens rx_queue is the backlog. */
export function tcpBacklog(table: string, port: number): number | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const line of table.split("\n")) {
    const [, local, , state, queues] = line.trim().split(/ +/);
    if (state !== LISTENING || local?.endsWith(suffix) !== true) continue;
    return Number.parseInt(queues?.split(":")[1] ?? "", 16);
  }
  return undefined;
}

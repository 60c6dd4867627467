// Where worker threads connect for their bells: a socket without a file, under a name that nobody can
// guess, and a key for each thread. Such a name has no permissions, and every user of the system can
// read it; so it is there only while a thread is expected.

import { randomUUID } from "node:crypto";
import type net from "node:net";
import { BellEnd } from "../messages/bell.ts";
import type { BellAddress } from "../messages/lane.ts";
import { type Accepted, createServer } from "./accept.ts";

/** Whoever connects says a key within this time, ms. */
const KEY_TIMEOUT_MS = 5000;
const KEY_LENGTH = randomUUID().length;
/** So many may be connected without having said a key; threads that find no place ring by their ports. */
export const STRANGERS_MAX = 64;

export interface BellOptions {
  /** The thread has rung. */
  readonly rung: () => void;
  /** Rings the thread by its port: until it has connected, and when its socket breaks. */
  readonly ringPort: () => void;
}

interface Door {
  readonly path: string;
  readonly server: net.Server;
}

export class Bells {
  /** Those whose threads have not connected yet, by their keys. */
  readonly #expected = new Map<string, ThreadBell>();
  readonly #strangers = new Set<net.Socket>();
  #door: Door | undefined;

  /** A bell for a thread that is about to start. */
  expect(options: BellOptions): ThreadBell {
    if (process.platform !== "linux") return new ThreadBell(options, undefined, () => {});
    this.#door ??= this.#open();
    const key = randomUUID();
    const bell = new ThreadBell(options, { path: this.#door.path, key }, () => this.#noLongerExpected(key));
    this.#expected.set(key, bell);
    return bell;
  }

  close(): void {
    for (const socket of this.#strangers) socket.destroy();
    this.#door?.server.close();
    this.#door = undefined;
  }

  #open(): Door {
    // The NUL makes it a name of Linux's abstract namespace (unix(7)).
    const path = `\0holdfast-${randomUUID()}`;
    const server = createServer((accepted) => this.#accept(accepted));
    // Who is not accepted rings by its port.
    server.on("error", () => {
      if (!server.listening) this.#door = undefined;
    });
    server.listen(path);
    server.unref();
    return { path, server };
  }

  #noLongerExpected(key: string): void {
    if (this.#expected.delete(key) && this.#expected.size === 0) this.close();
  }

  #accept({ socket, onBytes }: Accepted): void {
    let bell: ThreadBell | undefined;
    socket.unref();
    socket.on("error", () => {}); // "close" follows
    if (this.#strangers.size >= STRANGERS_MAX) {
      socket.destroy();
      return;
    }
    this.#strangers.add(socket);
    socket.on("close", () => this.#strangers.delete(socket));
    socket.on("end", () => socket.destroy());
    socket.setTimeout(KEY_TIMEOUT_MS, () => socket.destroy());
    onBytes((piece) => {
      if (bell === undefined) {
        bell = this.#expected.get(piece.toString("latin1", 0, KEY_LENGTH));
        if (bell === undefined) socket.destroy();
        else {
          this.#strangers.delete(socket);
          bell.connected(socket);
        }
      }
      bell?.rung();
    });
  }
}

export class ThreadBell extends BellEnd {
  /** Where the thread is to connect; undefined: there are only ports. */
  readonly address: BellAddress | undefined;
  readonly rung: () => void;
  readonly #noLongerExpected: () => void;

  constructor({ rung, ringPort }: BellOptions, address: BellAddress | undefined, noLongerExpected: () => void) {
    super(ringPort);
    this.rung = rung;
    this.address = address;
    this.#noLongerExpected = noLongerExpected;
  }

  override connected(socket: net.Socket): void {
    this.#noLongerExpected();
    socket.setTimeout(0);
    super.connected(socket);
  }

  override close(): void {
    this.#noLongerExpected();
    super.close();
  }
}

// Where worker threads connect for their bells: a socket without a file, under a name that nobody can
// guess, and a key for each thread. A byte there costs about half of a message on a port. Where there
// are no such sockets, the ports ring.

import { randomUUID } from "node:crypto";
import type net from "node:net";
import type { BellAddress } from "../messages/lane.ts";
import { type Accepted, createServer } from "./accept.ts";

const BYTE = Buffer.from([1]);
/** Whoever connects says a key within this time, ms. */
const KEY_TIMEOUT_MS = 5000;
const KEY_LENGTH = randomUUID().length;

export interface BellOptions {
  /** The thread has rung. */
  readonly rung: () => void;
  /** Rings the thread by its port, until it has connected. */
  readonly ringPort: () => void;
}

export class Bells {
  // The NUL makes it a name of Linux's abstract namespace (unix(7)).
  readonly #path = process.platform === "linux" ? `\0holdfast-${randomUUID()}` : undefined;
  /** Those whose threads have not connected yet, by their keys. */
  readonly #expected = new Map<string, ThreadBell>();
  #server: net.Server | undefined;

  /** A bell for a thread that is about to start. */
  expect(options: BellOptions): ThreadBell {
    const path = this.#path;
    if (path === undefined) return new ThreadBell(options, undefined, () => {});
    const key = randomUUID();
    const bell = new ThreadBell(options, { path, key }, () => this.#expected.delete(key));
    this.#expected.set(key, bell);
    this.#server ??= this.#listen(path);
    return bell;
  }

  close(): void {
    this.#server?.close();
  }

  #listen(path: string): net.Server {
    const server = createServer((accepted) => this.#accept(accepted));
    // Without it the ports ring.
    server.on("error", () => server.close());
    server.listen(path);
    server.unref();
    return server;
  }

  #accept({ socket, onBytes }: Accepted): void {
    let bell: ThreadBell | undefined;
    socket.unref();
    socket.on("error", () => {}); // "close" follows
    socket.on("end", () => socket.destroy());
    socket.setTimeout(KEY_TIMEOUT_MS, () => socket.destroy());
    onBytes((piece) => {
      if (bell === undefined) {
        bell = this.#expected.get(piece.toString("latin1", 0, KEY_LENGTH));
        if (bell === undefined) socket.destroy();
        else bell.connected(socket);
      }
      bell?.rung();
    });
  }
}

export class ThreadBell {
  /** Where the thread is to connect; undefined: there are only ports. */
  readonly address: BellAddress | undefined;
  readonly rung: () => void;
  readonly #ringPort: () => void;
  readonly #noLongerExpected: () => void;
  #socket: net.Socket | undefined;

  constructor({ rung, ringPort }: BellOptions, address: BellAddress | undefined, noLongerExpected: () => void) {
    this.rung = rung;
    this.#ringPort = ringPort;
    this.address = address;
    this.#noLongerExpected = noLongerExpected;
  }

  connected(socket: net.Socket): void {
    this.#noLongerExpected();
    this.#socket = socket;
    socket.setTimeout(0);
    socket.on("close", () => {
      this.#socket = undefined;
    });
  }

  ring(): void {
    if (this.#socket === undefined) this.#ringPort();
    else this.#socket.write(BYTE);
  }

  close(): void {
    this.#noLongerExpected();
    this.#socket?.destroy();
  }
}

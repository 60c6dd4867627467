// The claims of a worker that is a child process, read from their socket when they are asked for, and
// not when the event loop comes to it: what was claimed before the question is in the answer. The only
// file that touches the handle of a child's pipe.

import { readSync } from "node:fs";
import type { Socket } from "node:net";
import { Fault, isError } from "../base/fault.ts";
import { CLAIM_BYTES } from "../messages/pipe.ts";

const READ_BYTES = 128 * CLAIM_BYTES;

interface PipeHandle {
  readonly fd: number;
  readStop(): void;
}

export class Claims {
  readonly #socket: Socket;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(READ_BYTES);
  #claimed = 0;

  /** `socket` has read nothing yet, and will not. Without a process there is none to claim anything. */
  constructor(socket: Socket, pid: number | undefined) {
    this.#socket = socket;
    const handle = (socket as unknown as { readonly _handle: PipeHandle | null })._handle;
    this.#fd = handle?.fd ?? -1;
    if (pid === undefined) return;
    if (handle === null || this.#fd < 0) throw new Fault("WORKER_LOST", "a child process without its pipes");
    // Node began to read when it made the socket.
    handle.readStop();
  }

  /** How many offers the worker has claimed until now, modulo 2³². */
  look(): number {
    if (this.#fd < 0 || this.#socket.destroyed) return this.#claimed;
    try {
      for (;;) {
        const length = readSync(this.#fd, this.#buffer, 0, READ_BYTES, null);
        if (length >= CLAIM_BYTES) this.#claimed = this.#buffer.readUInt32LE(length - CLAIM_BYTES);
        if (length < READ_BYTES) break;
      }
    } catch (error) {
      // Empty, or the other end is gone and all is read.
      if (!isError(error) || (error.code !== "EAGAIN" && error.code !== "ECONNRESET")) throw error;
    }
    return this.#claimed;
  }

  close(): void {
    this.#socket.destroy();
  }
}

// Writes lines to a pipe whose reader may be slow or gone. It never waits: what the pipe does not take
// is kept up to a bound, and what is beyond is counted and left out, whole lines only.

import { Socket } from "node:net";

/** So much may wait for the reader. */
export const PIPE_BACKLOG_BYTES = 1024 * 1024;

export class PipeWriter {
  readonly #socket: Socket;
  readonly #suppressed: (lines: number) => void;
  #dropped = 0;

  /** `fd` is a pipe or a socket. `suppressed` is called, once there is room again, with how many writes were left out. */
  constructor(fd: number, suppressed: (lines: number) => void) {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#suppressed = suppressed;
    // Without a reader there is nobody to tell; the process that reads is our supervisor, and its end is seen elsewhere.
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.on("drain", () => this.#recovered());
    this.#socket.unref();
  }

  /** Whole lines. Leaves at once if the pipe has room. */
  write(lines: string): void {
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength > PIPE_BACKLOG_BYTES) {
      this.#dropped++;
      return;
    }
    this.#socket.write(lines);
  }

  /** Resolves when everything is written, or cannot be, or after `withinMs`. */
  async flushed(withinMs: number): Promise<void> {
    if (this.#socket.destroyed || this.#socket.writableLength === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      // Nothing more, but in its turn: "drain" tells only of a buffer that was full.
      this.#socket.write("", done);
      this.#socket.once("close", done);
    });
  }

  #recovered(): void {
    const lines = this.#dropped;
    this.#dropped = 0;
    if (lines > 0) this.#suppressed(lines);
  }
}

// One end of a bell between the pool and a thread: a byte on a socket costs about half of a message on a port.
// Where there is no such socket, or not yet, and when it breaks, the port rings.

import type { Socket } from "node:net";

const BYTE = Buffer.from([1]);

export class BellEnd {
  readonly #ringPort: () => void;
  #socket: Socket | undefined;

  constructor(ringPort: () => void) {
    this.#ringPort = ringPort;
  }

  connected(socket: Socket): void {
    this.#socket = socket;
    socket.on("close", () => {
      this.#socket = undefined;
      // What was written last may be lost, and whoever was not woken then would never be.
      this.#ringPort();
    });
  }

  ring(): void {
    if (this.#socket === undefined) this.#ringPort();
    else this.#socket.write(BYTE);
  }

  close(): void {
    this.#socket?.destroy();
  }
}

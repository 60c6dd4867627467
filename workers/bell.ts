// How the pool wakes this thread, and this thread the pool: a byte on a socket costs about half of a
// message on a port. Where there is no such socket the port does it.

import { connect, type Socket } from "node:net";
import type { MessagePort } from "node:worker_threads";
import type { BellAddress } from "../src/messages/lane.ts";

const BYTE = Buffer.from([1]);
/** At most one byte is on its way, but for what is said at first. */
const READ_BYTES = 256;

export class Bell {
  readonly #port: MessagePort;
  readonly #socket: Socket | undefined;
  #connected = false;

  constructor(port: MessagePort, address: BellAddress | undefined, rung: () => void) {
    this.#port = port;
    if (address === undefined) return;
    const onread = {
      buffer: Buffer.alloc(READ_BYTES),
      callback: () => {
        rung();
        return true;
      },
    };
    const socket = connect({ path: address.path, onread }, () => {
      socket.write(address.key);
      this.#connected = true;
    });
    // Without it the port rings.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#connected = false;
      // What was written last may be lost, and a pool that was not woken then would never be.
      port.postMessage(null);
    });
    // The port keeps the thread alive, as long as it is to live.
    socket.unref();
    this.#socket = socket;
  }

  ring(): void {
    if (this.#connected) this.#socket?.write(BYTE);
    else this.#port.postMessage(null);
  }

  close(): void {
    this.#socket?.destroy();
  }
}

// A thread's end of its bell: connects to where the pool expects it, and hears the pool there.

import { connect, type Socket } from "node:net";
import type { MessagePort } from "node:worker_threads";
import { BellEnd } from "../src/messages/bell.ts";
import type { BellAddress } from "../src/messages/lane.ts";

/** At most one byte is on its way, but for what is said at first. */
const READ_BYTES = 256;

export class Bell extends BellEnd {
  readonly #connecting: Socket | undefined;

  constructor(port: MessagePort, address: BellAddress | undefined, rung: () => void) {
    super(() => port.postMessage(null));
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
      this.connected(socket);
    });
    // Without it the port rings.
    socket.on("error", () => {});
    // The port keeps the thread alive, as long as it is to live.
    socket.unref();
    this.#connecting = socket;
  }

  override close(): void {
    this.#connecting?.destroy();
  }
}

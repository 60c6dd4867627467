// Sends a line to a socket and reads the answer; for test/fixtures/fake-pool.mjs.

import { connect, type Socket } from "node:net";
import type { ListenAddress } from "../../src/config/schema.ts";

/** Resolves with all that came until the other side closed. Rejects when it cannot connect, or after `withinMs`. */
export function say(to: ListenAddress | string, line: string, withinMs = 10_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = open(to);
    let received = "";
    socket.setEncoding("utf8").setTimeout(withinMs, () => socket.destroy(new Error(`no answer to ${line}`)));
    socket.on("connect", () => socket.write(`${line}\n`));
    socket.on("data", (text) => {
      received += text;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(received.trim()));
  });
}

export function open(to: ListenAddress | string): Socket {
  if (typeof to === "string") return connect(to);
  if (to.kind === "systemd") throw new Error("no such client");
  return to.kind === "unix" ? connect(to.path) : connect(to.port, to.host);
}

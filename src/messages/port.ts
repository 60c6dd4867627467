// What the port beside a lane's rings carries: batches that a ring had no room for, and null, which
// rings the bell where there is no better one.

import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";

/** The next batch that was posted and not yet handed to a listener. */
export function nextPosted(port: MessagePort): Buffer | undefined {
  for (;;) {
    const next = receiveMessageOnPort(port) as { readonly message: ArrayBuffer | null } | undefined;
    if (next === undefined) return undefined;
    if (next.message !== null) return Buffer.from(next.message);
  }
}

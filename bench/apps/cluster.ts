// A cluster of node:http servers on a unix socket, as Node's manual shows it.
//
//   node SERVER.js SOCKET WORKERS

import cluster from "node:cluster";
import { chmodSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";

/** `listener` is made in the workers only. */
export async function clustered(listener: () => RequestListener | Promise<RequestListener>): Promise<void> {
  const [socket = "", workers = "1"] = process.argv.slice(2);
  if (cluster.isPrimary) {
    for (let worker = 0; worker < Number(workers); worker++) cluster.fork();
    cluster.once("listening", () => chmodSync(socket, 0o666));
    process.once("SIGTERM", () => {
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGTERM");
      cluster.disconnect(() => process.exit(0));
    });
    return;
  }
  const server = createServer(await listener());
  // Apache keeps its connections; a server that closes idle ones races with it.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.listen({ path: socket, backlog: 4096 });
}

// Node's own HTTP server in a cluster, as one would put it behind mod_proxy_http.
//
//   node node-http.js SOCKET WORKERS

import cluster from "node:cluster";
import { chmodSync } from "node:fs";
import { createServer } from "node:http";

const [socket = "", workers = "1"] = process.argv.slice(2);
const BODY = "Hello, world\n";

if (cluster.isPrimary) {
  for (let worker = 0; worker < Number(workers); worker++) cluster.fork();
  cluster.once("listening", () => chmodSync(socket, 0o666));
  process.once("SIGTERM", () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGTERM");
    cluster.disconnect(() => process.exit(0));
  });
} else {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/plain;charset=UTF-8", "content-length": BODY.length });
    response.end(BODY);
  });
  // Apache keeps its connections; a server that closes idle ones races with it.
  server.keepAliveTimeout = 0;
  server.listen({ path: socket, backlog: 4096 });
}

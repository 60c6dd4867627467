// The package node-fastcgi as its manual shows it: one process, one server.
//
//   node node-fastcgi.js SOCKET

import { chmodSync } from "node:fs";
import type { RequestListener, Server } from "node:http";
import { createRequire } from "node:module";

// It has no types of its own.
const { createServer } = createRequire(import.meta.url)("node-fastcgi") as {
  createServer(listener: RequestListener): Server;
};

const [socket = ""] = process.argv.slice(2);
const BODY = "Hello, world\n";

const server = createServer((_request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain;charset=UTF-8", "Content-Length": BODY.length });
  response.end(BODY);
});
server.listen(socket, () => chmodSync(socket, 0o666));

// The same as bodies.ts on node:http, with streams as its manual shows them.
//
//   node node-http-bodies.js SOCKET WORKERS

import cluster from "node:cluster";
import { createHash } from "node:crypto";
import { chmodSync } from "node:fs";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { PIECE_BYTES, piece } from "../pattern.ts";

const [socket = "", workers = "1"] = process.argv.slice(2);

if (cluster.isPrimary) {
  for (let worker = 0; worker < Number(workers); worker++) cluster.fork();
  cluster.once("listening", () => chmodSync(socket, 0o666));
  process.once("SIGTERM", () => process.exit(0));
} else {
  const server = createServer(async (request, response) => {
    if (request.method === "PUT") {
      const hash = createHash("sha256");
      let bytes = 0;
      for await (const chunk of request) {
        hash.update(chunk);
        bytes += chunk.length;
      }
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ bytes, sha256: hash.digest("hex") }));
      return;
    }
    const pieces = Number(new URL(request.url ?? "/", "http://localhost").searchParams.get("pieces"));
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": pieces * PIECE_BYTES });
    Readable.from(pieceByPiece(pieces)).pipe(response);
  });
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.listen({ path: socket, backlog: 4096 });
}

function* pieceByPiece(pieces: number): Generator<Buffer> {
  for (let index = 0; index < pieces; index++) yield piece(index);
}

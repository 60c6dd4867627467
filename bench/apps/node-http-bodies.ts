// The same as bodies.ts on node:http, with streams as its manual shows them.
//
//   node node-http-bodies.js SOCKET WORKERS

import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { PIECE_BYTES, piece } from "../pattern.ts";
import { clustered } from "./cluster.ts";

export async function answerBodies(request: IncomingMessage, response: ServerResponse): Promise<void> {
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
}

function* pieceByPiece(pieces: number): Generator<Buffer> {
  for (let index = 0; index < pieces; index++) yield piece(index);
}

if (import.meta.main) await clustered(() => answerBodies);

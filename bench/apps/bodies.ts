// Takes a body and answers its digest, or sends one, in pieces.

import { createHash } from "node:crypto";
import { PIECE_BYTES, piece } from "../pattern.ts";

export async function PUT(request: Request): Promise<Response> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return Response.json({ bytes, sha256: hash.digest("hex") });
}

export function GET(request: Request): Response {
  const pieces = Number(new URL(request.url).searchParams.get("pieces"));
  let index = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (index < pieces) controller.enqueue(piece(index++));
      else controller.close();
    },
  });
  return new Response(body, {
    headers: { "content-type": "application/octet-stream", "content-length": String(pieces * PIECE_BYTES) },
  });
}

// One large body through HTTP in one direction, never held as a whole, and its digest.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { PIECE_BYTES, piece } from "./pattern.ts";

const SILENCE_TIMEOUT_MS = 30_000;

export type Direction = "up" | "down";

export interface Transfer {
  readonly seconds: number;
  /** Why the bytes are not the right ones; undefined when they are. */
  readonly error: string | undefined;
}

export async function transfer(direction: Direction, url: string, pieces: number, sha256: string): Promise<Transfer> {
  const started = performance.now();
  const got = direction === "up" ? await upload(url, pieces) : await download(`${url}?pieces=${pieces}`);
  const seconds = (performance.now() - started) / 1000;
  if (got.status !== 200) return { seconds, error: `answered ${got.status}: ${got.sha256.slice(0, 200)}` };
  if (got.bytes !== pieces * PIECE_BYTES) return { seconds, error: `${got.bytes} bytes arrived` };
  return { seconds, error: got.sha256 === sha256 ? undefined : "the digest is another" };
}

interface Got {
  readonly status: number;
  readonly bytes: number;
  readonly sha256: string;
}

async function upload(url: string, pieces: number): Promise<Got> {
  const put = request(url, { method: "PUT", headers: { "content-length": pieces * PIECE_BYTES } });
  put.setTimeout(SILENCE_TIMEOUT_MS, () => put.destroy(new Error(`${url}: silent for ${SILENCE_TIMEOUT_MS} ms`)));
  const answered = once(put, "response") as Promise<[IncomingMessage]>;
  const sent = (async () => {
    for (let index = 0; index < pieces; index++) {
      if (!put.write(piece(index))) await Promise.race([once(put, "drain"), answered]);
    }
    put.end();
  })();
  const [response] = await answered;
  await sent;
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  if (response.statusCode !== 200) return { status: response.statusCode ?? 0, bytes: 0, sha256: text };
  return { status: 200, ...(JSON.parse(text) as { bytes: number; sha256: string }) };
}

async function download(url: string): Promise<Got> {
  const get = request(url);
  get.setTimeout(SILENCE_TIMEOUT_MS, () => get.destroy(new Error(`${url}: silent for ${SILENCE_TIMEOUT_MS} ms`)));
  get.end();
  const [response] = (await once(get, "response")) as [IncomingMessage];
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of response) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { status: response.statusCode ?? 0, bytes, sha256: hash.digest("hex") };
}

// A pool is asked at its socket, without Apache, and what it answers is looked at.

import { text } from "node:stream/consumers";
import { PoolClient } from "../src/front/pool-client.ts";

const REQUEST_TIMEOUT_MS = 20_000;

export async function askPool(path: string, uri = "/"): Promise<string> {
  const client = poolClient(path, 1);
  try {
    return await ask(client, uri);
  } finally {
    client.close();
  }
}

export function poolClient(path: string, maxConnections: number): PoolClient {
  const timeoutMs = REQUEST_TIMEOUT_MS;
  return new PoolClient({ address: { kind: "unix", path }, timeoutMs, maxConnections, onStderr: () => {} });
}

/** The body; anything but 200 is an error. */
export async function ask(client: PoolClient, uri: string): Promise<string> {
  const params = [
    ["REQUEST_METHOD", "GET"],
    ["REQUEST_URI", uri],
    ["SCRIPT_NAME", uri],
  ] as const;
  const reply = await client.exchange({ params, body: undefined }, AbortSignal.timeout(REQUEST_TIMEOUT_MS));
  const body = await text(reply.body);
  if (reply.status !== 200) throw new Error(`${uri}: answered ${reply.status}: ${body.slice(0, 200)}`);
  return body;
}

// Requests of every kind on kept connections, counted by the clients: what they sent, and how each ended.

import { encodeAbort, encodeStdinEnd } from "../../src/fastcgi/web-server.ts";
import type { FastCgiClient } from "./fastcgi-client.ts";
import { paramsOf } from "./pool.ts";

/** Handlers that the kinds of requests ask for, by file name. */
export const MIXED_HANDLERS = {
  "hello.ts": `export default () => new Response("hello");`,
  "throws.ts": `export default () => { throw new Error("on purpose"); };`,
  "echo.ts": `export default async (request) => new Response(await request.text());`,
  "stream.ts": `export default () => new Response(new ReadableStream({
    start(c) { c.enqueue(new Uint8Array(1000)); },
    async pull(c) { await new Promise((turn) => setImmediate(turn)); c.enqueue(new Uint8Array(1000)); c.close(); },
  }));`,
  "breaks.ts": `export default () => new Response(new ReadableStream({
    start(c) { c.enqueue(new Uint8Array(1000)); },
    async pull(c) { await new Promise((later) => setTimeout(later, 20)); c.error(new Error("on purpose")); },
  }));`,
  "waits.ts": `export default (request) => new Promise((_, reject) => {
    request.signal.addEventListener("abort", () => reject(request.signal.reason));
  });`,
};

const KINDS = [
  "hello",
  "throws",
  "echo",
  "stream",
  "missing",
  "ping",
  "too long",
  "contradiction",
  "breaks",
  "aborted",
  "times out",
] as const;
type Kind = (typeof KINDS)[number];

/** How many of PERIOD. */
const SHARES: Readonly<Record<Exclude<Kind, "hello">, number>> = {
  throws: 50,
  echo: 150,
  stream: 100,
  missing: 50,
  ping: 50,
  "too long": 10,
  contradiction: 10,
  breaks: 10,
  aborted: 10,
  "times out": 1,
};

const PERIOD = 1000;
const SCHEDULE: readonly Kind[] = Array.from({ length: PERIOD }, (_, n) => {
  // 191 and 1000 have no common factor: every place is met once, and neighbours are of different kinds.
  let place = (n * 191) % PERIOD;
  for (const kind of KINDS) {
    if (kind === "hello") continue;
    if (place < SHARES[kind]) return kind;
    place -= SHARES[kind];
  }
  return "hello";
});

export interface Counted {
  readonly kinds: Readonly<Record<Kind, number>>;
  /** Of whole replies, by the first digit of their status. */
  readonly responses: readonly number[];
}

export interface MixedLoad {
  readonly requests: number;
  readonly clients: number;
  readonly connect: () => Promise<FastCgiClient>;
}

/** Every reply is checked to be what its kind asks for. */
export async function runMixedLoad({ requests, clients, connect }: MixedLoad): Promise<Counted> {
  const kinds = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  const responses = [0, 0, 0, 0, 0];
  let next = 0;
  const run = async (): Promise<void> => {
    let client = await connect();
    while (next < requests) {
      const kind = SCHEDULE[next++ % PERIOD] ?? "hello";
      kinds[kind]++;
      const status = await one(client, kind);
      if (kind !== "ping" && status > 0)
        responses[Math.floor(status / 100) - 1] = (responses[Math.floor(status / 100) - 1] ?? 0) + 1;
      if (kind === "breaks") client = await connect();
      client.forget();
    }
    await client.close();
  };
  await Promise.all(Array.from({ length: clients }, run));
  return { kinds, responses };
}

const EXPECTED: Readonly<Record<Kind, number>> = {
  hello: 200,
  throws: 500,
  echo: 200,
  stream: 200,
  missing: 404,
  ping: 200,
  "too long": 413,
  contradiction: 400,
  breaks: 0,
  aborted: 0,
  "times out": 504,
};

async function one(client: FastCgiClient, kind: Kind): Promise<number> {
  const status = await ask(client, kind);
  if (status !== EXPECTED[kind]) throw new Error(`${kind}: ${status} instead of ${EXPECTED[kind]}`);
  return status;
}

async function ask(client: FastCgiClient, kind: Kind): Promise<number> {
  switch (kind) {
    case "echo": {
      const reply = await client.request({
        params: { ...paramsOf("/echo"), REQUEST_METHOD: "POST", CONTENT_LENGTH: "4" },
        body: "echo",
      });
      return reply.body.toString() === "echo" ? reply.status : -1;
    }
    case "ping":
      return (await client.request({ params: paramsOf("/-/ping") })).status;
    case "too long":
      return (await client.request({ params: { ...paramsOf("/hello"), CONTENT_LENGTH: "999999999" } })).status;
    case "contradiction":
      return (await client.request({ params: { ...paramsOf("/hello"), CONTENT_LENGTH: "many" } })).status;
    case "times out":
      return (await client.request({ params: paramsOf("/waits") })).status;
    case "aborted": {
      client.begin({ params: paramsOf("/waits") });
      client.send(Buffer.concat([encodeStdinEnd(1), encodeAbort(1)]));
      return (await client.reply()).status;
    }
    case "breaks": {
      // What was written last may never arrive.
      const reply = await client.request({ params: paramsOf("/breaks") }).then(
        () => "whole",
        () => "cut",
      );
      await client.closed;
      return reply === "cut" ? 0 : -1;
    }
    default:
      return (await client.request({ params: paramsOf(`/${kind}`) })).status;
  }
}

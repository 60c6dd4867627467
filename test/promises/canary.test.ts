// Every reply belongs to its request: under load, with streams, errors, hang-ups and writes that come
// too late, no request ever gets a byte of another's reply.

import { randomBytes } from "node:crypto";
import { encodeAbort } from "../../src/fastcgi/web-server.ts";
import { eventually } from "../support/eventually.ts";
import type { ClientReply, FastCgiClient } from "../support/fastcgi-client.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";

const CONNECTIONS = 16;
const CONCURRENCY = 8;

const APP = `
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export default async (request) => {
  const url = new URL(request.url);
  const token = url.searchParams.get("token");
  const how = url.searchParams.get("how");
  const answer = (body) => new Response(body, { headers: { "x-token": token } });
  switch (how) {
    case "now": return answer(token);
    case "later": await later(Math.random() * 3); return answer(token);
    case "echo": return answer(await request.text());
    case "unread": return answer(token);
    case "error": throw Object.assign(new Error(token), { token });
    case "stream": return answer(new ReadableStream({
      async start(stream) {
        for (const part of [token.slice(0, 5), token.slice(5, 9), token.slice(9)]) {
          stream.enqueue(new TextEncoder().encode(part));
          await later(0);
        }
        stream.close();
      },
    }));
    case "late": {
      let keep;
      const body = new ReadableStream({ start(stream) { keep = stream; } });
      setTimeout(() => { try { keep.enqueue(new TextEncoder().encode(token)); keep.close(); } catch {} }, 2);
      // Reads on after its reply, and writes to a stream that may be gone.
      request.text().catch(() => {});
      return answer(body);
    }
    case "long": await later(2 + Math.random() * 5); return answer((token + " ").repeat(2000));
    case "hold": return new Promise(() => {});
  }
};
`;

/** The same as a listener of Node's, where what one begins another could end. */
const NODE_APP = `
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const node = async (req, res) => {
  const { searchParams } = new URL(req.url, "http://a.test");
  const token = searchParams.get("token");
  res.setHeader("x-token", token);
  switch (searchParams.get("how")) {
    case "now": return res.end(token);
    case "later": await later(Math.random() * 3); return res.end(token);
    case "echo": return req.pipe(res);
    case "unread": return res.end(token);
    case "error": throw Object.assign(new Error(token), { token });
    case "stream":
      for (const part of [token.slice(0, 5), token.slice(5, 9), token.slice(9)]) {
        res.write(part);
        await later(0);
      }
      return res.end();
    case "late":
      // Writes once more when its reply is over, and reads what is gone.
      res.on("error", () => {});
      req.resume();
      res.flushHeaders();
      await later(2);
      res.end(token, () => res.write(token));
      return;
    case "long": await later(2 + Math.random() * 5); return res.end((token + " ").repeat(2000));
    case "hold": return new Promise(() => {});
  }
};
`;

const APPS = [
  { title: "20,000 requests over kept connections", app: APP, requests: 20_000 },
  { title: "8,000 requests to a (req, res) listener", app: NODE_APP, requests: 8_000 },
];

const WAYS = ["now", "now", "now", "now", "later", "echo", "unread", "error", "stream", "late", "long"] as const;

describe.each(APPS)("$title", ({ app, requests }) => {
  let running: RunningPool;

  beforeEach(async () => {
    running = await startPool(
      { "app.ts": app },
      { root: undefined, app: "root/app.ts", threads: 2, concurrency: CONCURRENCY },
    );
  });

  afterEach(() => running.stop());

  const paramsFor = (how: string, token: string, body: string): Record<string, string> => ({
    ...paramsOf(`/app?how=${how}&token=${token}`),
    REQUEST_METHOD: body === "" ? "GET" : "POST",
    CONTENT_LENGTH: String(body.length),
    HTTP_X_TOKEN: token,
  });

  const ask = async (client: FastCgiClient, how: string, token: string): Promise<ClientReply> => {
    const body = how === "echo" || how === "unread" ? token.repeat(1 + (token.charCodeAt(0) % 40)) : "";
    const reply = await client.request({ params: paramsFor(how, token, body), body });
    if (how === "error") {
      expect([how, reply.status, reply.header("x-token")]).toEqual([how, 500, undefined]);
    } else {
      const wanted = how === "echo" ? body : how === "long" ? `${token} `.repeat(2000) : token;
      expect([how, reply.status, reply.header("x-token")]).toEqual([how, 200, token]);
      expect(reply.body.toString() === wanted).toBe(true);
    }
    return reply;
  };

  it("each get their own reply, and leave no slot behind", async () => {
    let asked = 0;
    let gone = 0;
    const one = async (): Promise<void> => {
      let client = await running.connect();
      while (asked < requests) {
        const turn = asked++;
        const token = randomBytes(12).toString("hex");
        const how = WAYS[turn % WAYS.length] ?? "now";
        if (turn % 199 === 0) {
          // Hangs up in the midst of it.
          client.request({ params: paramsFor(how, token, "") }).catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
          await client.close();
          client = await running.connect();
          gone++;
        } else if (turn % 97 === 0) {
          // Takes it back, and goes on with the same connection and id.
          const reply = client.request({ params: paramsFor("long", token, "") });
          client.send(encodeAbort(1));
          await reply;
          gone++;
        } else {
          await ask(client, how, token);
        }
        client.forget();
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, one));
    expect(gone).toBeGreaterThan(requests / 100);
    const { pool } = running;
    await eventually(() => pool.status().workers.every(({ open }) => open === 0));
    expect(pool.status()).toMatchObject({ open: 0, queue: 0, workersLost: 0 });

    // Every place can be filled again, on both workers.
    const places = 2 * CONCURRENCY;
    const holders = await Promise.all(Array.from({ length: places }, () => running.connect()));
    for (const client of holders) {
      client.request({ params: paramsFor("hold", "held", "") }).catch(() => {}); // they end with the pool
    }
    await eventually(() => pool.status().workers.reduce((sum, { open }) => sum + open, 0) === places);
    expect(pool.status().queue).toBe(0);
  }, 60_000);
});

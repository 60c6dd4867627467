// A reply is not held up, nor lost, by what another handler does in the same turn of a worker's loop.

import { encodeRequest, encodeStdinEnd } from "../../src/fastcgi/web-server.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";

// One module without a promise in it: what comes in one batch is answered in one turn.
const APP = `export default (request: Request) => {
  if (request.url.endsWith("/loop")) for (;;);
  if (request.url.endsWith("/exit")) process.exit(1);
  return new Response("hello");
};`;
const ONE_WORKER = { root: undefined, app: "root/app.ts", threads: 1 } as const;

describe("a reply that is finished", () => {
  let running: RunningPool | undefined;

  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  /** Both requests in one packet on one connection, so that they reach the worker in one batch. */
  const together = async (pool: RunningPool, ...uris: string[]) => {
    const client = await pool.connect(10_000);
    const requests = uris.map((uri, at) => {
      const id = at + 1;
      const params = Object.entries(paramsOf(uri));
      return Buffer.concat([encodeRequest({ id, role: "responder", keepConn: true, params }), encodeStdinEnd(id)]);
    });
    client.send(Buffer.concat(requests));
    return uris.map((_, at) => client.reply(at + 1));
  };

  it("goes out although a handler in the same turn loops without end", async () => {
    const pool = await startPool({ "app.ts": APP }, { ...ONE_WORKER, request: { timeout: "5s", grace: "100ms" } });
    running = pool;
    const from = performance.now();
    const [hello, loop] = await together(pool, "/hello", "/loop");
    expect((await hello)?.body.toString()).toBe("hello");
    // Long before the loop's deadline.
    expect(performance.now() - from).toBeLessThan(2500);
    expect((await loop)?.status).toBe(504);
  });

  it("goes out although a handler in the same turn ends the thread", async () => {
    const pool = await startPool({ "app.ts": APP }, ONE_WORKER);
    running = pool;
    const [hello, exit] = await together(pool, "/hello", "/exit");
    expect((await hello)?.body.toString()).toBe("hello");
    expect((await exit)?.status).toBe(502);
  });
});

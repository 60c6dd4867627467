// What the status says is so, and it is said also when nothing else answers.

import { rmSync } from "node:fs";
import { encodeStdinEnd } from "../../src/fastcgi/web-server.ts";
import type { PoolStatus } from "../../src/messages/lifecycle.ts";
import { countsAsItsClients } from "../contracts/status-counts.ts";
import { eventually } from "../support/eventually.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";

/** status.long.ts sends more. */
const REQUESTS = 5000;
const THREADS = 2;

const HELLO = { "hello.ts": `export default () => new Response("hello");` };
const STATUS = { path: "/-/status", ping_path: "/-/ping", ready_path: "/-/ready", metrics_path: "/-/metrics" };

describe("the status", () => {
  countsAsItsClients(REQUESTS);

  let running: RunningPool | undefined;

  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  async function start(...[files, options]: Parameters<typeof startPool>): Promise<RunningPool> {
    running = await startPool(files, { threads: THREADS, status: STATUS, ...options });
    return running;
  }

  const report = async (pool: RunningPool, query = "json&full"): Promise<PoolStatus> =>
    JSON.parse((await pool.get(`/-/status?${query}`)).body.toString()).holdfast;

  it("is answered while every worker is stuck, and says which are and with what", async () => {
    const pool = await start(
      {
        "loop.ts": `export default () => { const end = Date.now() + 8000; while (Date.now() < end); return new Response(); };`,
      },
      { concurrency: 1 },
    );
    const client = await pool.connect();
    for (const id of [1, 2]) {
      client.begin({ params: { ...paramsOf("/loop?password=secret"), UNIQUE_ID: `id-${id}` }, id });
      // The body's end begins it.
      client.send(encodeStdinEnd(id));
    }
    const stuck = await eventually(async () => {
      const { workers } = await report(pool);
      return workers.every(({ unresponsiveMs }) => unresponsiveMs > 500) && workers;
    });
    expect(stuck.map(({ open, requests }) => [open, requests?.[0]?.path, requests?.[0]?.begun])).toEqual([
      [1, "/loop", true],
      [1, "/loop", true],
    ]);
    expect(stuck.map(({ requests }) => requests?.[0]?.request).sort()).toEqual(["id-1", "id-2"]);
    const replies = await Promise.all(
      ["/-/ping", "/-/metrics", "/-/status?full", "/-/status?xml&full", "/-/status?html"].map((path) => pool.get(path)),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(5).fill(200));
    for (const { body } of replies) expect(body.toString()).not.toContain("secret");
    const ready = await eventually(async () => {
      const reply = await pool.get("/-/ready");
      return reply.status === 503 && reply;
    }, 8000);
    expect(ready.body.toString()).toMatch(/no event loop/);
  });

  it("is in the form that is asked for, or that the client prefers", async () => {
    const pool = await start(HELLO);
    const typeOf = async (query: string, accept?: string): Promise<string | undefined> =>
      (await pool.get(`/-/status${query}`, accept === undefined ? {} : { HTTP_ACCEPT: accept })).header("content-type");
    expect(await typeOf("")).toBe("text/plain; charset=utf-8");
    expect(await typeOf("", "*/*")).toBe("text/plain; charset=utf-8");
    expect(await typeOf("", "text/html,application/xhtml+xml,*/*;q=0.8")).toBe("text/html; charset=utf-8");
    expect(await typeOf("?json", "text/html")).toBe("application/json");
    expect(await typeOf("", "application/json")).toBe("application/json");
    expect(await typeOf("?xml&full")).toBe("text/xml; charset=utf-8");
    expect(await typeOf("?openmetrics")).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
    expect(await typeOf("?text", "text/html")).toBe("text/plain; charset=utf-8");
  });

  it("is for whom status.allow names; ping and ready are for everybody", async () => {
    const pool = await start(HELLO, { status: { ...STATUS, allow: ["192.0.2.0/24"] } });
    const statuses = async (address: string): Promise<readonly number[]> =>
      Promise.all(Object.values(STATUS).map(async (path) => (await pool.get(path, { REMOTE_ADDR: address })).status));
    expect(await statuses("192.0.2.7")).toEqual([200, 200, 200, 200]);
    expect(await statuses("127.0.0.1")).toEqual([404, 200, 200, 404]);
    await eventually(() => pool.lines.some(({ reason }) => reason === "127.0.0.1 is not in status.allow"));
  });

  it("shows the last minutes to a page that is opened now, whatever their length", async () => {
    const pool = await start(HELLO);
    await pool.get("/hello");
    const history = await eventually(async () => {
      const reply = await pool.get("/-/status?json&since=-1");
      const { series } = JSON.parse(reply.body.toString()).history;
      return series.atMs.length >= 2 && series;
    });
    expect(history.residentBytes.every((bytes: number) => bytes > 1e6)).toBe(true);
    expect(Math.max(...history.requests)).toBeGreaterThan(0);
    const { history: newer } = JSON.parse((await pool.get(`/-/status?json&since=${history.atMs[0]}`)).body.toString());
    expect(newer.series.atMs[0]).toBe(history.atMs[1]);
  });

  describe("ready", () => {
    it("is 503 while workers do not start, with the reason, and 200 again once they do", async () => {
      const pool = await start(
        {
          "app.ts": `import { existsSync } from "node:fs";
            if (existsSync(new URL("broken", import.meta.url))) throw new Error("no database");
            export default () => process.exit(1);`,
        },
        { threads: 1, root: undefined, app: "root/app.ts" },
      );
      expect((await pool.get("/-/ready")).body.toString()).toBe("ready\n");
      const broken = pool.dir.write("root/broken", "");
      expect((await pool.get("/")).status).toBe(502);
      const unready = await eventually(async () => {
        const reply = await pool.get("/-/ready");
        return reply.status === 503 && /does not start/.test(reply.body.toString()) && reply;
      });
      expect(unready.body.toString()).not.toContain("database");
      const { ready, crashLoop, lastBootFault } = await eventually(async () => {
        const status = await report(pool);
        return status.lastBootFault !== undefined && status;
      });
      expect(ready).toBe(false);
      expect(crashLoop?.failures).toBeGreaterThan(0);
      expect(lastBootFault?.message).toContain("no database");
      rmSync(broken);
      await eventually(async () => (await pool.get("/-/ready")).status === 200, 10_000);
    });

    it("is 503 as soon as the process drains", async () => {
      const pool = await start({
        "slow.ts": `export default () => new Promise((done) => setTimeout(() => done(new Response()), 500));`,
      });
      const kept = await pool.connect();
      const slow = pool.get("/slow");
      await eventually(() => pool.pool.status().open === 1);
      const drained = pool.pool.drain(performance.now() + 10_000);
      expect(pool.pool.status().ready).toBe(false);
      await slow;
      await drained;
      await kept.closed;
    });
  });
});

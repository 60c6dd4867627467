// As many workers as there is work for, down to none; and crashes that heal by themselves.

import { eventually } from "../support/eventually.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";

const later = (ms: number) => `await new Promise((resolve) => setTimeout(resolve, ${ms}));`;
const HELLO = `export default (request, ctx) => new Response("hello from " + ctx.worker.id);`;
const SLOW = `export default async (request, ctx) => { ${later(100)} return new Response(ctx.worker.id + ""); };`;

describe("a pool with threads = { min, max }", () => {
  let running: RunningPool;

  afterEach(() => running.stop());

  const start = async (app: string, options: Parameters<typeof startPool>[1]) => {
    running = await startPool({ "app.ts": app }, { root: undefined, app: "root/app.ts", ...options });
    return running;
  };

  const workers = () => running.pool.status().workers.length;

  it("has no thread until the first request, which waits for it, and none again when nobody asks", async () => {
    await start(HELLO, { threads: { min: 0, max: 2, idle_timeout: "200ms" }, queue: { max: 0 } });
    for (const worker of [1, 2, 3]) {
      expect(workers()).toBe(0);
      const reply = await running.get("/");
      expect([reply.status, reply.body.toString()]).toEqual([200, `hello from ${worker}`]);
      await eventually(() => workers() === 0);
    }
    expect(running.pool.status()).toMatchObject({ workersLost: 0, refused: 0 });
  });

  it("grows to max under a rush that no worker can take, and shrinks under a trickle that loses nothing", async () => {
    await start(SLOW, { threads: { min: 1, max: 3, idle_timeout: "300ms" }, concurrency: 1 });
    const clients = await Promise.all(Array.from({ length: 12 }, () => running.connect(20_000)));
    const askAll = () => Promise.all(clients.map((client) => client.request({ params: paramsOf("/") })));
    const seen = new Set<string>();
    for (let n = 0; n < 3; n++) {
      for (const { status, body } of await askAll()) {
        expect(status).toBe(200);
        seen.add(body.toString());
      }
      for (const client of clients) client.forget();
    }
    expect([...seen].sort()).toEqual(["1", "2", "3"]);
    // Kept connections outlive the workers that answered on them.
    let at = 0;
    await eventually(async () => {
      const client = clients[at++ % clients.length];
      expect((await client?.request({ params: paramsOf("/") }))?.status).toBe(200);
      client?.forget();
      return workers() === 1;
    }, 10_000);
    expect(running.pool.status()).toMatchObject({ workersLost: 0, refused: 0, connections: 12 });
  }, 30_000);

  it("gets another worker for what waits behind one that computes", async () => {
    await start(
      `import { existsSync } from "node:fs";
       const goOn = new URL("go-on", import.meta.url);
       export default (request, ctx) => {
         if (request.url.endsWith("?loop")) while (!existsSync(goOn));
         return new Response(ctx.worker.id + "");
       };`,
      { threads: { min: 1, max: 2, idle_timeout: "60s" } },
    );
    expect((await running.get("/")).body.toString()).toBe("1");
    const looping = running.get("/?loop", {}, 30_000);
    await eventually(() => running.pool.status().open === 1);
    expect((await running.get("/", {}, 30_000)).body.toString()).toBe("2");
    running.dir.write("root/go-on", "");
    expect((await looping).body.toString()).toBe("1");
  });

  it("answers 503 to those that wait when its first worker does not boot, says why, and heals by itself", async () => {
    await start(`throw new Error("no database");`, { threads: { min: 0, max: 2, idle_timeout: "60s" } });
    const replies = await Promise.all(Array.from({ length: 5 }, () => running.get("/")));
    expect(replies.map(({ status, header }) => [status, header("retry-after") !== undefined])).toEqual(
      Array(5).fill([503, true]),
    );
    expect(running.lines).toContainEqual(
      expect.objectContaining({ msg: "a worker did not start", reason: expect.stringContaining("no database") }),
    );
    running.dir.write("root/app.ts", HELLO);
    await eventually(async () => (await running.get("/")).status === 200);
  });
});

describe("workers that crash again and again", () => {
  let running: RunningPool;

  afterEach(() => running.stop());

  const EXIT = `
    const poison = (url) => url.endsWith("?exit");
    export default (request, ctx) => {
      if (poison(request.url)) process.exit(1);
      return new Response("hello from " + ctx.worker.id);
    };`;

  it("all of them, once a second, under load: at least 98 % of the requests are answered", async () => {
    running = await startPool({ "app.ts": EXIT }, { root: undefined, app: "root/app.ts", threads: 2 });
    const statuses: number[] = [];
    const [began, enough] = [performance.now(), 3000];
    let isKilling = true;
    // On a machine that is busy with other things it takes longer.
    const isOver = () => (!isKilling && statuses.length >= enough) || performance.now() > began + 20_000;
    const one = async (): Promise<void> => {
      const client = await running.connect(20_000);
      while (!isOver()) {
        statuses.push((await client.request({ params: paramsOf("/") })).status);
        client.forget();
      }
    };
    const kill = async (): Promise<void> => {
      for (let second = 0; second < 3; second++) {
        const lost = running.pool.status().workersLost;
        // A second one goes to the other worker: the first is gone.
        for (let n = 1; n <= 2; n++) {
          expect((await running.get("/?exit")).status).toBe(502);
          await eventually(() => running.pool.status().workersLost >= lost + n);
        }
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
      isKilling = false;
    };
    await Promise.all([kill(), ...Array.from({ length: 10 }, one)]);
    const answered = statuses.filter((status) => status === 200).length;
    expect(statuses.length).toBeGreaterThan(1000);
    expect(answered / statuses.length).toBeGreaterThanOrEqual(0.98);
    expect(new Set(statuses)).toEqual(new Set(statuses.includes(502) ? [200, 502] : [200]));
  }, 30_000);

  it("because the app no longer loads: they are tried again with pauses, told of, and heal by themselves", async () => {
    running = await startPool(
      { "app.ts": EXIT },
      { root: undefined, app: "root/app.ts", threads: 2, status: { ready_path: "/-/ready" } },
    );
    expect((await running.get("/-/ready")).status).toBe(200);
    running.dir.write("root/app.ts", `throw new Error("broken release");`);
    // The second of them dies under its first request: neither is given to anybody else.
    for (let n = 0; n < 2; n++) expect((await running.get("/?exit")).status).toBe(502);
    await eventually(async () => (await running.get("/-/ready")).status === 503);
    const tries = () => running.lines.filter(({ msg }) => msg === "a worker did not start").length;
    await eventually(() => tries() >= 2);
    expect((await running.get("/")).status).toBe(503);
    expect(tries()).toBeLessThanOrEqual(4);
    running.dir.write("root/app.ts", HELLO);
    await eventually(async () => (await running.get("/")).status === 200, 10_000);
    await eventually(async () => (await running.get("/-/ready")).status === 200);
    await eventually(() => running.pool.status().workers.length === 2);
  }, 30_000);
});

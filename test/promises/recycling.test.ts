// A worker that has done enough is replaced, and nobody notices: no request fails, its successor
// serves before it goes, and one is replaced at a time.

import { ask } from "../../src/cli/control-client.ts";
import { eventually } from "../support/eventually.ts";
import { type ClientReply, connectFastCgi } from "../support/fastcgi-client.ts";
import { launcher } from "../support/launch.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";
import { tempDirs } from "../support/temp-dir.ts";

const CONNECTIONS = 10;

/** Says which worker answers, and its how manieth reply since its modules were loaded this is. */
const COUNTER = `
let replies = 0;
export default (request, ctx) => new Response(ctx.worker.id + " " + ++replies);
`;

describe("a worker that has done enough", () => {
  let running: RunningPool;

  afterEach(() => running.stop());

  const start = async (app: string, options: Parameters<typeof startPool>[1]) => {
    running = await startPool({ "app.ts": app }, { root: undefined, app: "root/app.ts", ...options });
    return running;
  };

  /** Asks `requests` times over kept connections; `each` gets every reply. */
  const load = async (requests: number, each: (reply: ClientReply) => void): Promise<void> => {
    let asked = 0;
    const one = async (): Promise<void> => {
      const client = await running.connect(20_000);
      while (asked < requests) {
        const post = ++asked % 4 === 0;
        const body = post ? "x".repeat(16 * 1024) : "";
        const params = { ...paramsOf("/"), REQUEST_METHOD: post ? "POST" : "GET", CONTENT_LENGTH: String(body.length) };
        each(await client.request({ params, body }));
        client.forget();
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, one));
  };

  /** The most workers that were in a state at once, as far as was seen. */
  const watchStates = () => {
    const most = { starting: 0, serving: 0 };
    const timer = setInterval(() => {
      const { workers } = running.pool.status();
      const count = (...states: string[]) => workers.filter(({ state }) => states.includes(state)).length;
      most.starting = Math.max(most.starting, count("starting"));
      most.serving = Math.max(most.serving, count("idle", "busy", "stalled"));
    }, 5);
    return {
      most,
      stop: () => clearInterval(timer),
    };
  };

  it("by recycle.max_requests has answered exactly so many with a jitter of 0, under load, and none fails", async () => {
    await start(COUNTER, { threads: 2, recycle: { max_requests: 300, jitter: 0 } });
    const replies = new Map<string, number[]>();
    const statuses = new Set<number>();
    const watched = watchStates();
    await load(2400, ({ status, body }) => {
      statuses.add(status);
      const [worker = "", count = ""] = body.toString().split(" ");
      replies.set(worker, [...(replies.get(worker) ?? []), Number(count)]);
    });
    watched.stop();
    expect([...statuses]).toEqual([200]);
    // One replacement at a time, and the old one serves until it is there.
    expect(watched.most.starting).toBeLessThanOrEqual(1);
    expect(watched.most.serving).toBeLessThanOrEqual(3);
    const serving = new Set(running.pool.status().workers.map(({ worker }) => String(worker)));
    const gone = [...replies].filter(([worker]) => !serving.has(worker));
    expect(gone.length).toBeGreaterThanOrEqual(6);
    // Each began with fresh modules, and left with its last request.
    const whole = Array.from({ length: 300 }, (_, n) => n + 1);
    for (const [, counts] of gone) expect(counts.sort((a, b) => a - b)).toEqual(whole);
    expect(running.pool.status()).toMatchObject({ workersLost: 0, refused: 0 });
  }, 30_000);

  it("by recycle.max_requests never answers more, and has its successor before, with a jitter", async () => {
    await start(COUNTER, { threads: 1, recycle: { max_requests: 1000, jitter: 0.9 } });
    const most = new Map<string, number>();
    await load(2400, ({ status, body }) => {
      expect(status).toBe(200);
      const [worker = "", count = ""] = body.toString().split(" ");
      most.set(worker, Math.max(most.get(worker) ?? 0, Number(count)));
    });
    expect(most.size).toBeGreaterThan(2);
    expect(Math.max(...most.values())).toBeLessThanOrEqual(1000);
  }, 30_000);

  it("by recycle.max_memory, its buffers included, is replaced while it serves", async () => {
    await start(
      `const kept = [];
       export default (request, ctx) => {
         kept.push(Buffer.alloc(8 * 1024 * 1024, 1));
         return new Response(ctx.worker.id + "");
       };`,
      { threads: 1, recycle: { max_memory: "64MiB" } },
    );
    for (let n = 0; n < 8; n++) expect((await running.get("/")).status).toBe(200);
    await eventually(() => running.pool.status().workers.some(({ memoryBytes = 0 }) => memoryBytes > 64 * 1024 * 1024));
    await eventually(async () => (await running.get("/")).body.toString() === "2");
    expect(running.lines).toContainEqual(
      expect.objectContaining({
        msg: "worker is recycled",
        worker: 1,
        reason: expect.stringMatching(/^recycle\.max_memory: it holds \d+ MiB$/),
      }),
    );
  });

  it("by recycle.max_age is replaced while it serves", async () => {
    await start(COUNTER, { threads: 1, recycle: { max_age: "500ms", jitter: 0 } });
    const workers = new Set<string>();
    await eventually(async () => {
      const { status, body } = await running.get("/");
      expect(status).toBe(200);
      workers.add(body.toString().split(" ")[0] ?? "");
      return workers.size === 2;
    });
    expect(running.pool.status().workersLost).toBe(0);
  });

  it("serves on while its successor does not boot, and is replaced when one does", async () => {
    await start(COUNTER, { threads: 1, recycle: { max_requests: 3, jitter: 0 } });
    const worker = async () => (await running.get("/")).body.toString();
    running.dir.write("root/app.ts", `throw new Error("broken release");`);
    for (let n = 1; n <= 10; n++) expect(await worker()).toBe(`1 ${n}`);
    await eventually(() =>
      running.lines.some(({ msg, reason }) => msg === "a worker did not start" && String(reason).includes("broken")),
    );
    running.dir.write("root/app.ts", COUNTER);
    await eventually(async () => !(await worker()).startsWith("1 "));
    expect(running.pool.status()).toMatchObject({ workersLost: 0, refused: 0 });
  });
});

describe("a process that holds too much (recycle.max_process_memory)", () => {
  const tempDir = tempDirs();
  const launch = launcher();

  it("is replaced as a whole by another one that serves first; no request fails, no connection breaks", async () => {
    const dir = tempDir();
    dir.write(
      "app.mjs",
      `const kept = [];
       export default (request) => {
         if (request.url.endsWith("?keep")) kept.push(Buffer.alloc(200 * 1024 * 1024, 1));
         return new Response(String(process.pid));
       };`,
    );
    const config = dir.write(
      "holdfast.toml",
      `[supervisor]\ncontrol = "./control.sock"\nlog_format = "json"\n[pools.www]\nlisten = "./www.sock"\n` +
        `app = "./app.mjs"\nthreads = 1\nallow_root = true\nrecycle.max_process_memory = "250MiB"\n`,
    );
    const holdfast = launch(["start", "-c", config]);
    await holdfast.line(/"msg":"serving"/);
    const client = await connectFastCgi({ path: `${dir.path}/www.sock` }, { timeoutMs: 20_000 });
    const get = async (uri: string): Promise<string> => {
      const { status, body } = await client.request({ params: paramsOf(uri) });
      client.forget();
      expect(status).toBe(200);
      return body.toString();
    };
    const first = await get("/?keep");
    await eventually(async () => (await get("/")) !== first, 20_000);
    await client.close();
    await holdfast.line(/"reason":"recycle.max_process_memory: it holds \d+ MiB".*: process is replaced"/);
    await eventually(async () => {
      const { pools } = (await ask(`${dir.path}/control.sock`, { command: "status" })).status;
      return pools[0]?.processes.length === 1 && pools[0].restarts === 0;
    });
  }, 40_000);
});

// What requests share and what they do not: across workers, after a worker's death, and behind Apache.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { renderApache } from "../../src/deploy/apache.ts";
import { describeWithApache, startTestApache, type TestApache } from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";
import { type Started, startedPrograms } from "../support/started.ts";

const WORKERS = 2;

const APP = `
import { existsSync, writeFileSync } from "node:fs";
import { cache, currentContext, lock } from "holdfast";
const turn = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));
const who = async () => { await turn(1); return currentContext()?.env.QUERY_STRING; };

export async function init(worker) {
  await cache.increment("boots");
  return { outside: currentContext() === undefined };
}

const answers = {
  "/set": async (request, ctx) => { await ctx.cache.set("k", await request.text(), { ttl: "1m" }); },
  "/get": (_request, ctx) => ctx.cache.get("k"),
  "/boots": (_request, ctx) => ctx.cache.get("boots"),
  "/hit": (_request, ctx) => ctx.cache.increment("hits"),
  "/made": (_request, ctx) => ctx.cache.remember("made", { ttl: "1m" }, async () => {
    await turn(5);
    await cache.increment("makes");
    return "made by " + ctx.worker.id;
  }),
  "/makes": (_request, ctx) => ctx.cache.get("makes"),
  "/who": async (_request, ctx) => [await who(), ctx.state.outside, currentContext() === ctx].join(" "),
  "/locals": async (_request, ctx) => {
    const before = Object.keys(ctx.locals).length;
    ctx.locals.mine = ctx.env.QUERY_STRING;
    await turn(1);
    return [before, currentContext().locals.mine, Object.getPrototypeOf(ctx.locals)].join(" ");
  },
  "/serial": (_request, ctx) => ctx.lock("serial", async () => {
    const inside = await cache.increment("inside");
    await turn(1);
    await cache.increment("inside", -1);
    return inside;
  }),
  "/free": (_request, ctx) => lock("stuck", () => "had by " + ctx.worker.id, { wait: "30s" }),
  "/stick": (_request, ctx) => ctx.lock("stuck", () => { for (;;); }),
  "/exit": (_request, ctx) => ctx.lock("stuck", () => process.exit(1)),
  "/long": async (_request, ctx) => {
    const values = Array.from({ length: 20 }, (_, n) => String(n % 10).repeat(900_000));
    await Promise.all(values.map((value, n) => ctx.cache.set("long" + n, value)));
    const got = await Promise.all(values.map((_, n) => ctx.cache.get("long" + n)));
    return got.every((value, n) => value === values[n]);
  },
  "/late": async (_request, ctx) => {
    writeFileSync("begun", "");
    while (!existsSync("go")) await turn(5);
    await ctx.cache.set("late", "late");
    return "set";
  },
  "/late-set": (_request, ctx) => ctx.cache.get("late"),
};

export default async (request, ctx) => {
  // Computes, so that the other worker is used as well.
  for (const end = performance.now() + 2; performance.now() < end; );
  const answer = await answers[new URL(request.url).pathname](request, ctx);
  return new Response(String(answer), { headers: { "x-worker": String(ctx.worker.id) } });
};
`;

const options = { root: undefined, app: "root/app.mjs", threads: WORKERS };

describe.each(["thread", "process"])("what the workers of a pool share (isolation = %s)", (isolation) => {
  let running: RunningPool;

  beforeEach(async () => {
    running = await startPool({ "app.mjs": APP }, { ...options, isolation });
  });

  afterEach(() => running.stop());

  const get = async (uri: string): Promise<string> => (await running.get(uri, {}, 20_000)).body.toString();

  /** Many at one time; answers, and which workers gave them. */
  const many = async (uri: string, count: number): Promise<{ texts: string[]; workers: Set<string> }> => {
    const replies = await Promise.all(Array.from({ length: count }, () => running.get(uri, {}, 20_000)));
    return {
      texts: replies.map(({ body }) => body.toString()),
      workers: new Set(replies.map(({ header }) => String(header("x-worker")))),
    };
  };

  it("is one cache, from init on, that counts each increment", async () => {
    expect(await get("/boots")).toBe(String(WORKERS));
    const { texts, workers } = await many("/hit", 60);
    expect(texts.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
    expect(workers.size).toBe(WORKERS);
  });

  it("takes values much longer than the way there, many at a time", async () => {
    expect(await get("/long")).toBe("true");
  });

  it("makes a remembered value once", async () => {
    const { texts, workers } = await many("/made", 40);
    expect([new Set(texts).size, workers.size, await get("/makes")]).toEqual([1, WORKERS, "1"]);
  });

  it("lets one request at a time work under a lock", async () => {
    const { texts, workers } = await many("/serial", 40);
    expect([new Set(texts), workers.size]).toEqual([new Set(["1"]), WORKERS]);
  });

  it("knows whose request runs, wherever the code is, and nothing of it outside", async () => {
    const asked = Array.from({ length: 30 }, (_, n) => get(`/who?${n}`));
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 30 }, (_, n) => `${n} true true`));
  });

  it("begins each request with empty locals, without a prototype", async () => {
    const asked = Array.from({ length: 30 }, (_, n) => get(`/locals?${n}`));
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 30 }, (_, n) => `0 ${n} `));
  });
});

describe.each(["thread", "process"])("a worker that is ended (isolation = %s)", (isolation) => {
  let running: RunningPool;

  beforeEach(async () => {
    const request = { timeout: "1s", grace: "300ms" };
    running = await startPool({ "app.mjs": APP }, { ...options, isolation, request });
  });

  afterEach(() => running.stop());

  it.each(["/stick", "/exit"])("lets go of the lock that it held (%s)", async (how) => {
    const { status } = await running.get(how, {}, 20_000);
    expect([502, 504]).toContain(status);
    // Whoever waits may be a visitor of that worker, and lost with it.
    const text = await eventually(async () => {
      const { status, body } = await running.get("/free", {}, 20_000);
      return status === 200 && body.toString();
    }, 20_000);
    expect(text).toMatch(/^had by \d+$/);
    await eventually(() => running.pool.status().locks.held === 0);
  });
});

describe("a Node-style app, which is handed no context", () => {
  let running: RunningPool;

  beforeEach(async () => {
    const app = `
      import { createServer } from "node:http";
      import { cache, currentContext } from "holdfast";
      createServer((request, response) => {
        request.resume().on("end", async () => {
          const visits = await cache.increment("visits");
          response.end(currentContext().env.QUERY_STRING + " " + (currentContext().worker.requests >= 1) + " " + (visits > 0));
        });
      }).listen(3000);`;
    running = await startPool({ "app.mjs": app }, { ...options, kind: "node" });
  });

  afterEach(() => running.stop());

  it("finds it, and the cache, all the same", async () => {
    const asked = Array.from({ length: 10 }, (_, n) => running.get(`/?${n}`, {}, 20_000));
    const texts = (await Promise.all(asked)).map(({ body }) => body.toString());
    expect(texts).toEqual(Array.from({ length: 10 }, (_, n) => `${n} true true`));
  });
});

describe("the cache over a reload", () => {
  const program = startedPrograms();
  const PERSIST = "threads = 2\n[pools.www.cache]\npersist = true";

  const start = async (pool: string) => {
    const holdfast = program();
    holdfast.app(APP);
    holdfast.configure({ pool });
    return { holdfast, launched: await holdfast.start() };
  };
  const get = async (holdfast: Started, uri: string) => (await holdfast.get(uri)).body.toString();

  it("is gone, unless it is to persist", async () => {
    const { holdfast } = await start("threads = 2");
    expect([await get(holdfast, "/hit"), await get(holdfast, "/hit")]).toEqual(["1", "2"]);
    await holdfast.reload();
    expect(await get(holdfast, "/hit")).toBe("1");
  });

  it("goes on with every generation if it is to persist, and the log says so", async () => {
    const { holdfast, launched } = await start(PERSIST);
    for (let n = 1; n <= 3; n++) {
      expect(await get(holdfast, "/hit")).toBe(String(n));
      await holdfast.reload();
      await eventually(() => launched.output.split("what workers share came over").length > n);
    }
    // What has been set while the workers booted is newer.
    expect(await get(holdfast, "/boots")).toBe("2");
  });

  it("goes from each process to one of the new ones", async () => {
    const { holdfast, launched } = await start(`processes = 2\n${PERSIST}`);
    await holdfast.reload();
    // Each of the old ones has counted its workers' boots.
    await eventually(() => launched.output.split("what workers share came over").length === 3);
  });

  it("has also what the old generation's last requests have set", async () => {
    const { holdfast } = await start(PERSIST);
    await get(holdfast, "/hit");
    const client = await holdfast.connect();
    const late = client.request({ params: paramsOf("/late") });
    await eventually(() => existsSync(join(holdfast.dir.path, "begun")));
    await holdfast.reload();
    expect(await get(holdfast, "/late-set")).toBe("undefined");
    holdfast.dir.write("go", "");
    expect((await late).body.toString()).toBe("set");
    await client.close();
    await eventually(async () => (await get(holdfast, "/late-set")) === "late");
  });

  it("is empty after a process has died, and nobody waits for it", async () => {
    const { holdfast } = await start(PERSIST);
    await get(holdfast, "/hit");
    const [pid = 0] = await holdfast.pids();
    process.kill(pid, "SIGKILL");
    await eventually(async () => (await get(holdfast, "/hit")) === "1", 20_000);
  });
});

describeWithApache("through Apache and a supervisor", () => {
  const program = startedPrograms();
  let apache: TestApache | undefined;

  afterEach(async () => {
    await apache?.stop();
    apache = undefined;
  });

  it("what one visitor has set is there for all, and in the status", async () => {
    const holdfast = program();
    holdfast.app(APP);
    holdfast.configure({ pool: 'threads = 2\n[pools.www.status]\nmetrics_path = "/-/metrics"' });
    holdfast.enterable();
    await holdfast.start();
    apache = await startTestApache(holdfast.dir.path, [
      renderApache(loadConfig(holdfast.config).config.pools, { layout: "prefix" }),
    ]);
    const ask = async (path: string, init?: RequestInit) => (await fetch(`${apache?.url}${path}`, init)).text();
    await ask("/set", { method: "POST", body: "tea" });
    expect(await ask("/get")).toBe("tea");
    expect(await ask("/who?a=b")).toBe("a=b true true");
    const metrics = await holdfast.get("/-/metrics");
    expect(metrics.body.toString()).toMatch(/^holdfast_cache_entries\{.*space="cache"\} 2$/m);
  });
});

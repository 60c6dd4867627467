// What an app prints, in a whole pool with real threads: whose line it is, and that none is lost.

import { eventually } from "../support/eventually.ts";
import { LOG_LIMIT_BYTES, type RunningPool, startPool } from "../support/pool.ts";

type Line = Record<string, unknown>;

let running: RunningPool | undefined;

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(files: Record<string, string>, options: Parameters<typeof startPool>[1] = {}) {
  running = await startPool(files, { threads: 1, ...options });
  return running;
}

/** The first line that has these fields, once it is there. */
function line(pool: RunningPool, wanted: Line): Promise<Line> {
  return eventually(() =>
    pool.lines.find((each) => Object.entries(wanted).every(([name, value]) => each[name] === value)),
  );
}

describe("what a handler prints", () => {
  it("is a line with its pool's worker, its stream and its request", async () => {
    const pool = await start({
      "say.ts": `export default (request: Request) => {
        console.log("hello %s", "world");
        console.error("oh");
        return new Response("ok");
      };`,
    });
    await pool.get("/say.ts?q=1", { UNIQUE_ID: "abc" });
    const request = { worker: 1, request: "abc", method: "GET", uri: "/say.ts?q=1" };
    expect(await line(pool, { msg: "hello world" })).toMatchObject({ level: "info", stream: "stdout", ...request });
    expect(await line(pool, { msg: "oh" })).toMatchObject({ level: "warn", stream: "stderr", ...request });
  });

  it("belongs to its own request among many at once, through timers, promises and after the reply", async () => {
    const pool = await start({
      "many.ts": `
        import { setTimeout as delay } from "node:timers/promises";
        export default async (request: Request, ctx) => {
          const id = new URL(request.url).search;
          console.log("begin", id);
          await delay(5);
          setTimeout(() => console.log("timer", id), 5);
          await Promise.all([delay(1), delay(3)]);
          console.log("end", id);
          ctx.waitUntil(delay(5).then(() => console.log("after", id)));
          return new Response();
        };`,
    });
    const ids = Array.from({ length: 20 }, (_, index) => `?${index}`);
    await Promise.all(ids.map((id) => pool.get(`/many.ts${id}`, { UNIQUE_ID: `id${id}` })));
    const printed = () => pool.lines.filter(({ stream }) => stream === "stdout");
    await eventually(() => printed().length === 4 * ids.length);
    for (const { msg, request, uri } of printed()) {
      const [, id] = String(msg).split(" ");
      expect([request, uri]).toEqual([`id${id}`, `/many.ts${id}`]);
    }
  });

  it("belongs to no request when the app loads, and when nobody's timer fires", async () => {
    const pool = await start(
      { "app.ts": `console.log("loading"); export default () => new Response();` },
      { root: undefined, app: "root/app.ts" },
    );
    const loading = await line(pool, { msg: "loading" });
    expect(loading).toMatchObject({ worker: 1, stream: "stdout" });
    expect(loading).not.toHaveProperty("uri");
  });

  it("is split where it is longer than log_limit, and nothing of it is cut", async () => {
    const pool = await start({
      "long.ts": `export default (_r: Request, ctx) => {
        console.log("a".repeat(${LOG_LIMIT_BYTES}) + "b".repeat(10));
        ctx.log.info("c".repeat(${2 * LOG_LIMIT_BYTES}));
        return new Response();
      };`,
    });
    await pool.get("/long.ts");
    expect(await line(pool, { msg: "a".repeat(LOG_LIMIT_BYTES) })).toMatchObject({ part: 1, more: true });
    expect(await line(pool, { msg: "b".repeat(10) })).toMatchObject({ part: 2, more: false });
    expect(await line(pool, { msg: "c".repeat(LOG_LIMIT_BYTES), part: 2 })).toMatchObject({ more: false });
  });

  it("forges no line, whatever it holds", async () => {
    const pool = await start({
      "forge.ts": `export default (_r: Request, ctx) => {
        console.log('{"level":"error","pool":"other","msg":"printed"}');
        ctx.log.info("said\\n{\\"level\\":\\"error\\"}", { level: "error", pool: "other", worker: 99, request: "x" });
        return new Response();
      };`,
    });
    await pool.get("/forge.ts", { UNIQUE_ID: "real" });
    const printed = await line(pool, { stream: "stdout" });
    expect(printed).toMatchObject({ level: "info", worker: 1, request: "real" });
    const said = await eventually(() => pool.lines.find(({ msg }) => String(msg).startsWith("said")));
    expect(said).toMatchObject({ level: "info", worker: 1, request: "real", app_level: "error", app_worker: 99 });
    expect(said).not.toHaveProperty("pool");
  });

  it("may be logged with anything as a field", async () => {
    const pool = await start({
      "fields.ts": `export default (_r: Request, ctx) => {
        const loop: any = {}; loop.loop = loop;
        ctx.log.info("fields", { error: new TypeError("bad"), big: 12n });
        ctx.log.info("loop", loop);
        return new Response();
      };`,
    });
    await pool.get("/fields.ts");
    const fields = await line(pool, { msg: "fields" });
    expect(fields).toMatchObject({ big: "12", error: { message: "bad", stack: expect.stringContaining("fields.ts") } });
    expect(await line(pool, { msg: "loop" })).toHaveProperty("unloggable");
  });

  it("costs nobody anything, whatever is logged instead of a message and fields", async () => {
    const pool = await start({
      "odd.ts": `export default (_r: Request, { log }) => {
        log.info("null", null);
        log.info("fields", { toJSON: () => null });
        log.info("number", 5);
        log.info(() => {});
        log.info(undefined);
        log.info(Symbol("sign"), { a: 1 });
        log.info({ length: 3 });
        log.info("end");
        return new Response("ok");
      };`,
    });
    expect((await pool.get("/odd.ts")).status).toBe(200);
    await line(pool, { msg: "end" });
    const said = pool.lines.filter(({ uri }) => uri === "/odd.ts").map(({ msg }) => msg);
    expect(said).toEqual([
      "null",
      "fields",
      "number",
      "() => {}",
      "undefined",
      "Symbol(sign)",
      "[object Object]",
      "end",
    ]);
  });

  it("shares no line with another request, and keeps the end of one that no line break ended", async () => {
    const pool = await start({
      "part.ts": `
        import { setTimeout as delay } from "node:timers/promises";
        export default async (request: Request) => {
          process.stdout.write("part of " + new URL(request.url).search);
          await delay(10);
          return new Response();
        };`,
    });
    await Promise.all([pool.get("/part.ts?1"), pool.get("/part.ts?2")]);
    await pool.pool.drain(performance.now() + 5000);
    expect(await line(pool, { msg: "part of ?1" })).toMatchObject({ uri: "/part.ts?1" });
    expect(await line(pool, { msg: "part of ?2" })).toMatchObject({ uri: "/part.ts?2" });
  });
});

describe("an error that no handler caught", () => {
  it.each([
    ["thrown by a timer", `setTimeout(() => { throw new Error("late"); })`],
    ["a promise that nobody looks at", `Promise.reject(new Error("late"))`],
  ])("names the request that started it: %s", async (_what, code) => {
    const pool = await start({ "late.ts": `export default () => { ${code}; return new Response(); };` });
    await pool.get("/late.ts?x", { UNIQUE_ID: "abc" });
    expect(await line(pool, { msg: "late" })).toMatchObject({
      level: "error",
      worker: 1,
      request: "abc",
      uri: "/late.ts?x",
    });
  });
});

describe("the last words of a worker", () => {
  it.each([
    ["process.exit", `process.exit(1)`],
    ["an endless loop", `for (;;) {}`],
    ["its heap limit", `const all = []; for (;;) all.push(new Array(1e5).fill({}))`],
    ["an error that nobody catches", `setTimeout(() => { throw new Error("late"); })`],
  ])("are in the log when it ends by %s", async (_how, end) => {
    const pool = await start(
      {
        "end.ts": `export default () => {
          for (let n = 0; n < 100; n++) console.log("last words", n);
          ${end};
          return new Response();
        };`,
      },
      { memory_limit: "64MiB", request: { timeout: "300ms", grace: "200ms" } },
    );
    await pool.get("/end.ts", {}, 10_000).catch(() => {});
    await line(pool, { msg: "last words 99" });
    expect(pool.lines.filter(({ msg }) => String(msg).startsWith("last words"))).toHaveLength(100);
  });
});

describe("a flood of output", () => {
  it("costs neither memory nor other requests, and what is left out is counted", async () => {
    const pool = await start(
      {
        "flood.ts": `
          import { setTimeout as delay } from "node:timers/promises";
          const line = "x".repeat(99);
          export default async () => {
            const until = performance.now() + 1500;
            let lines = 0;
            while (performance.now() < until) {
              for (let n = 0; n < 5000; n++) process.stderr.write(line + "\\n");
              lines += 5000;
              await delay(0);
            }
            return Response.json(lines);
          };`,
        "calm.ts": `export default () => new Response("calm");`,
      },
      { threads: 2, concurrency: 1 },
    );
    await pool.get("/calm.ts");
    const before = process.memoryUsage.rss();
    const flood = pool.get("/flood.ts");
    const waits: number[] = [];
    let flooded: Awaited<typeof flood> | undefined;
    void flood.then((reply) => {
      flooded = reply;
    });
    let peak = 0;
    while (flooded === undefined) {
      const from = performance.now();
      expect((await pool.get("/calm.ts")).body.toString()).toBe("calm");
      waits.push(performance.now() - from);
      peak = Math.max(peak, process.memoryUsage.rss());
    }
    const printed = Number(flooded.body.toString());
    expect(printed).toBeGreaterThan(100_000);
    await pool.pool.drain(performance.now() + 5000);
    const written = pool.lines.filter(({ stream }) => stream === "stderr").length;
    const suppressed = pool.lines.reduce(
      (sum, { msg, lines }) => sum + (String(msg).startsWith("output suppressed") ? Number(lines) : 0),
      0,
    );
    expect(written + suppressed).toBe(printed);
    waits.sort((a, b) => a - b);
    expect(waits[Math.floor(waits.length * 0.5)]).toBeLessThan(100);
    // The lines that this test itself keeps are among it.
    expect(peak - before).toBeLessThan(100 * 1024 * 1024);
  });
});

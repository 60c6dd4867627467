// isolation = "process": what a worker may do that is a process of its own, and what its end costs.

import { describeWithApache } from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { ask } from "../support/http.ts";
import { paramsOf, startedPools, startPool } from "../support/pool.ts";
import { cpuTicks, descendantsOf, isRunning } from "../support/processes.ts";
import { startedPrograms } from "../support/started.ts";

const HELLO = `let n = 0; export default () => new Response(process.pid + " " + ++n);`;

describe("a worker process", () => {
  const startOne = startedPools();

  const start: typeof startPool = (files, options) =>
    startOne({ "hello.ts": HELLO, ...files }, { isolation: "process", threads: 1, ...options });

  it("is what a whole process is: folder, umask, signals and title are its own", async () => {
    const pool = await start({
      "own.ts": `let heard = 0;
        process.on("SIGUSR2", () => { heard++; });
        export default async () => {
          process.chdir("/"); process.umask(0o007);
          process.kill(process.pid, "SIGUSR2");
          while (heard === 0) await new Promise((resolve) => setTimeout(resolve, 1));
          return Response.json([process.cwd(), process.umask(), heard, process.title, process.pid]);
        };`,
    });
    const [folder, umask, heard, title, pid] = JSON.parse(await pool.text("/own"));
    expect([folder, umask, heard, title]).toEqual(["/", 0o007, 1, "holdfast: pool test, worker 1"]);
    expect(process.cwd()).not.toBe("/");
    const [worker] = pool.pool.status().workers;
    expect(worker?.pid).toBe(pid);
    await eventually(() => (pool.pool.status().workers[0]?.memoryBytes ?? 0) > 1024 * 1024);
  });

  it.each([
    ["process.exit(3)", "it called process.exit(3)"],
    [`process.kill(process.pid, "SIGSEGV")`, "SIGSEGV"],
    ["process.abort()", "SIGABRT"],
  ])("that ends by %s costs its own requests a 502, and is back within a second", async (end, reason) => {
    const pool = await start(
      {
        "bad.ts": `export default () => ${end};`,
        "slow.ts": `export default () => new Promise((resolve) => setTimeout(() => resolve(new Response("whole")), 300));`,
      },
      { threads: 2, concurrency: 1 },
    );
    // With one request open each, the two are in different workers.
    const neighbour = pool.text("/slow");
    await eventually(() => pool.pool.status().workers.some(({ open }) => open === 1));
    expect((await pool.get("/bad")).status).toBe(502);
    const lost = performance.now();
    await eventually(() => pool.pool.status().workers.filter(({ state }) => state !== "starting").length === 2);
    expect(performance.now() - lost).toBeLessThan(5000);
    expect(await neighbour).toBe("whole");
    expect(pool.lines.some((line) => line.msg === "worker lost" && String(line.reason).includes(reason))).toBe(true);
    expect(pool.pool.status().workersLost).toBe(1);
  });

  it("that fills its memory in one go costs nobody else anything, and is told from other crashes", async () => {
    const pool = await start(
      { "bad.ts": `export default () => { const all = {}; for (let n = 0; ; n++) all["k" + n] = n; };` },
      { threads: 2, memory_limit: "48MiB" },
    );
    expect((await pool.get("/bad", {}, 30_000)).status).toBe(502);
    expect((await pool.get("/hello")).status).toBe(200);
    expect(pool.lines.some((line) => String(line.reason).includes("memory_limit"))).toBe(true);
  }, 40_000);

  it("whose buffers pass memory_limit while it computes is ended", async () => {
    const pool = await start(
      { "bad.ts": `export default () => { const all = []; for (;;) all.push(Buffer.alloc(1024 * 1024, 1)); };` },
      { memory_limit: "32MiB" },
    );
    expect((await pool.get("/bad", {}, 30_000)).status).toBe(502);
    expect((await pool.get("/hello")).status).toBe(200);
    expect(pool.lines.some((line) => line.msg === "worker is ended: it passed memory_limit")).toBe(true);
  }, 40_000);

  it("in an endless loop costs its request a 504, is killed, and takes along nobody who waits behind it", async () => {
    const pool = await start(
      {
        "bad.ts": `export default (request) => { if (request.url.endsWith("?loop")) for (;;); return new Response(); };`,
      },
      { threads: 2, request: { timeout: "3s", grace: "100ms" } },
    );
    for (const path of ["/hello", "/bad"]) expect((await pool.get(path, {}, 30_000)).status).toBe(200);
    const bad = pool.get("/bad?loop", {}, 30_000);
    const replies = await Promise.all(Array.from({ length: 20 }, () => pool.get("/hello", {}, 30_000)));
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect((await bad).status).toBe(504);
    await eventually(() => pool.pool.status().workersLost === 1);
    await eventually(() => pool.lines.some((line) => line.msg === "request timed out" && line.where === "blocked"));
  });

  it("in an endless loop leaves its stack in the slow log, and goes on where it ends", async () => {
    const spin = `import { existsSync } from "node:fs";
      const go = new URL("go", import.meta.url);
      function spin(): void {
        while (!existsSync(go)) for (let n = 0; n < 1e6; n++) Math.sqrt(n);
      }
      export default (): Response => { spin(); return new Response("spun"); };`;
    const loop = "\n\nexport default () => {\n  for (;;) {}\n};";
    const pool = await start(
      { "spin.ts": spin, "loop.ts": loop },
      { request: { slow: "100ms", timeout: "2s", grace: "1500ms" } },
    );
    const line = (msg: string, uri: string) =>
      eventually(() => pool.lines.find((each) => each.msg === msg && each.uri === uri));
    const spun = pool.get("/spin");
    const slow = await line("slow request", "/spin");
    pool.dir.write("root/go", "");
    expect((await spun).body.toString()).toBe("spun");
    expect(slow).toMatchObject({
      where: "blocked",
      stack: expect.stringMatching(/^at spin \(\/.*\/root\/spin\.ts:4:\d+\)$/m),
    });
    expect((await pool.get("/loop")).status).toBe(504);
    expect(await line("request timed out", "/loop")).toMatchObject({ stack: expect.stringMatching(/loop\.ts:4/) });
    await eventually(() => pool.pool.status().workersLost === 1);
  });

  it("alone in its pool has what waits behind its loop served by its successor, once", async () => {
    const pool = await start(
      {
        "bad.ts": `export default (request) => { if (request.url.endsWith("?loop")) for (;;); return new Response(); };`,
      },
      { request: { timeout: "3s", grace: "100ms" } },
    );
    for (const path of ["/hello", "/bad"]) expect((await pool.get(path, {}, 30_000)).status).toBe(200);
    const bad = pool.get("/bad?loop", {}, 30_000);
    const replies = await Promise.all(Array.from({ length: 5 }, () => pool.get("/hello", {}, 30_000)));
    expect((await bad).status).toBe(504);
    expect(replies.map(({ body }) => body.toString().split(" ")[1]).sort()).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("that dies right after its reply costs that reply nothing", async () => {
    const pool = await start({
      "bad.ts": `export default () => { setImmediate(() => process.abort()); return new Response("said"); };`,
    });
    for (let n = 0; n < 3; n++) expect(await pool.text("/bad")).toBe("said");
  });

  it("streams both ways in bounded memory, and stops when its client leaves", async () => {
    const pool = await start({
      "echo.ts": `export default (request) => new Response(request.body);`,
      "endless.ts": `export default () => new Response(new ReadableStream({
        pull(c) { c.enqueue(new Uint8Array(65536)); }, cancel() { console.log("cancelled"); } }));`,
    });
    const client = await pool.connect(15_000);
    const body = Buffer.alloc(5 * 1024 * 1024, "abc");
    const params = {
      REQUEST_METHOD: "POST",
      REQUEST_URI: "/echo",
      SCRIPT_NAME: "/echo",
      CONTENT_LENGTH: `${body.length}`,
    };
    const reply = await client.request({ params, body });
    expect(reply.body.equals(body)).toBe(true);
    const leaver = await pool.connect();
    leaver
      .request({ params: { REQUEST_METHOD: "GET", REQUEST_URI: "/endless", SCRIPT_NAME: "/endless" } })
      .catch(() => {});
    await eventually(() => leaver.events.some(({ kind }) => kind === "stdout"));
    await leaver.close();
    await eventually(() => pool.lines.some(({ msg }) => msg === "cancelled"));
  });

  it("prints under its request's name, and a flood is counted instead of kept", async () => {
    const pool = await start({
      "print.ts": `export default () => { console.log("one\\ntwo"); console.error("three"); return new Response(); };`,
      "flood.ts": `export default () => { for (let n = 0; n < 400_000; n++) console.log("x".repeat(100)); return new Response(); };`,
    });
    await pool.get("/print");
    const said = (msg: string) => pool.lines.find((line) => line.msg === msg);
    await eventually(() => said("one") && said("two") && said("three"));
    expect(said("two")).toMatchObject({ worker: 1, uri: "/print", stream: "stdout" });
    expect(said("three")).toMatchObject({ worker: 1, uri: "/print", stream: "stderr" });
    expect((await pool.get("/flood", {}, 15_000)).status).toBe(200);
    await eventually(() => pool.lines.some(({ msg }) => String(msg).startsWith("output suppressed")), 15_000);
  }, 30_000);

  it("is recycled, drained and disposed of like any other", async () => {
    const pool = await start(
      {
        "state.ts": `export default { init: () => ({ n: 0 }), fetch: (_, ctx) => new Response(ctx.worker.id + " " + ++ctx.state.n),
          dispose: (state) => console.log("disposed after " + state.n) };`,
      },
      { recycle: { max_requests: 3, jitter: 0 } },
    );
    const seen: string[] = [];
    for (let n = 0; n < 7; n++) seen.push(await pool.text("/state"));
    expect(seen).toEqual(["1 1", "1 2", "1 3", "2 1", "2 2", "2 3", "3 1"]);
    await eventually(() => pool.lines.filter(({ msg }) => msg === "disposed after 3").length === 2);
    expect(pool.pool.status()).toMatchObject({ workersRecycled: 2, workersLost: 0 });
  });

  it("that does not load is reported with its stack; one that hangs, within boot_timeout", async () => {
    const options = { isolation: "process", threads: 1, root: undefined, app: "root/app.ts" } as const;
    await expect(startPool({ "app.ts": `\nthrow new Error("no database");` }, options)).rejects.toMatchObject({
      code: "BOOT",
      message: expect.stringContaining("no database"),
      stack: expect.stringContaining("app.ts:2"),
    });
    const hangs = startPool({ "app.ts": `for (;;);` }, { ...options, boot_timeout: "300ms" });
    await expect(hangs).rejects.toMatchObject({ code: "BOOT", message: expect.stringContaining("boot_timeout") });
    const leaves = startPool({ "app.ts": `process.exit(4);` }, options);
    await expect(leaves).rejects.toMatchObject({ code: "BOOT", message: expect.stringContaining("process.exit(4)") });
  }, 20_000);

  it("publishes: fields, schemas, streams and who may call as in a thread", async () => {
    const pool = await start(
      {
        "index.ts": `
          import { publish, published } from "holdfast";
          export const init = () => ({ pid: process.pid, calls: 0 });
          export const dispose = (state) => console.log("published " + state.calls);
          const text = { "~standard": { version: 1, vendor: "test", validate: (value) =>
            typeof value.text === "string" ? { value } : { issues: [{ message: "is missing", path: ["text"] }] } } };
          export default publish({
            count: ({ by = "1" }, ctx) => ({ pid: ctx.state.pid, calls: ctx.state.calls += Number(by) }),
            add: published({ methods: ["POST"], input: text, handler: (input) => input }),
            rows: async function* () { for (let n = 0; n < 3; n++) yield n + ";"; },
            fails: () => { throw new Error("not today"); },
            staff: publish({ index: (_, ctx) => ctx.user }, { auth: ({ password }) => password === "sesame" }),
          });`,
      },
      { kind: "publisher" },
    );
    const [worker] = pool.pool.status().workers;
    expect(JSON.parse(await pool.text("/count?by=2"))).toEqual({ pid: worker?.pid, calls: 2 });
    expect(JSON.parse(await pool.text("/count"))).toEqual({ pid: worker?.pid, calls: 3 });
    const post = async (body: string) => {
      const client = await pool.connect();
      const params = {
        ...paramsOf("/add"),
        REQUEST_METHOD: "POST",
        CONTENT_TYPE: "application/json",
        CONTENT_LENGTH: `${body.length}`,
      };
      const reply = await client.request({ params, body: Buffer.from(body) });
      return [reply.status, reply.body.toString()];
    };
    expect(await post('{"text":"hi"}')).toEqual([200, '{"text":"hi"}']);
    expect(await post("{}")).toEqual([400, expect.stringContaining("is missing")]);
    expect(await pool.text("/rows")).toBe("0;1;2;");
    expect((await pool.get("/fails")).status).toBe(500);
    expect((await pool.get("/nothing")).status).toBe(404);
    expect((await pool.get("/staff")).status).toBe(401);
    const authorization = `Basic ${Buffer.from("ada:sesame").toString("base64")}`;
    expect((await pool.get("/staff", { HTTP_AUTHORIZATION: authorization })).body.toString()).toBe("ada");
    await pool.pool.drain(performance.now() + 10_000);
    expect(pool.lines.some(({ msg }) => msg === "published 3")).toBe(true);
  });

  it("is swapped for a new generation when a watched file changes", async () => {
    const pool = await start({ "page.ts": `export default () => new Response("one");` }, { watch: true });
    expect(await pool.text("/page")).toBe("one");
    pool.dir.write("root/page.ts", `export default () => new Response("two");`);
    await eventually(async () => (await pool.text("/page")) === "two");
  });
});

describeWithApache("workers as processes, through the supervisor and Apache", () => {
  const program = startedPrograms();

  it("answer, survive a reload, and are gone with their pool, also when it is killed and they compute", async () => {
    const holdfast = program();
    holdfast.app(`export default (request) => {
      if (request.url.endsWith("?loop")) for (;;);
      return new Response(String(process.pid));
    };`);
    holdfast.configure({ pool: `isolation = "process"\nthreads = 2` });
    const launched = await holdfast.start();
    const apache = await holdfast.behindApache();
    try {
      const first = await ask(apache.url, "/");
      const [pool = 0] = await holdfast.pids();
      expect(descendantsOf(pool)).toContain(Number(first.text));
      await holdfast.reload();
      const second = await ask(apache.url, "/");
      expect([second.status, second.text === first.text]).toEqual([200, false]);
      await eventually(() => !isRunning(Number(first.text)));

      const stuck = ask(apache.url, "/?loop").catch(() => undefined);
      const killed = await eventually(async () => {
        const pids = (await holdfast.pids()).filter((pid) => pid !== pool);
        return pids.length === 1 && pids[0];
      });
      const workers = descendantsOf(killed);
      expect(workers.length).toBeGreaterThanOrEqual(2);
      await eventually(() => workers.some((pid) => cpuTicks(pid) > 20), 15_000);
      process.kill(killed, "SIGKILL");
      await eventually(() => workers.every((pid) => !isRunning(pid)));
      await stuck;
      await eventually(async () => (await ask(apache.url, "/")).status === 200, 15_000);
      launched.signal("SIGTERM");
      await launched.gone;
      expect(launched.descendants()).toEqual([]);
    } finally {
      await apache.stop();
    }
  }, 60_000);
});

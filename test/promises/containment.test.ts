// What bad code costs: its own requests, and nothing else.

import { eventually } from "../support/eventually.ts";
import { type RunningPool, startPool } from "../support/pool.ts";

const HELLO = `let n = 0; export default () => new Response("hello " + ++n);`;

describe("a handler that", () => {
  let running: RunningPool | undefined;

  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  const start = async (bad: string, options: Parameters<typeof startPool>[1] = {}) => {
    running = await startPool({ "bad.ts": bad, "hello.ts": HELLO }, options);
    return running;
  };

  const lost = (pool: RunningPool): number => pool.pool.status().workersLost;

  it("throws costs a 500, and its worker keeps its state", async () => {
    const pool = await start(`export default () => { throw new Error("secret reason"); };`, { threads: 1 });
    expect((await pool.get("/hello")).body.toString()).toBe("hello 1");
    const reply = await pool.get("/bad");
    expect(reply.status).toBe(500);
    expect(reply.body.toString()).not.toContain("secret");
    expect((await pool.get("/hello")).body.toString()).toBe("hello 2");
    await eventually(() => pool.lines.some((line) => String(line.stack).includes("bad.ts:1")));
    expect(pool.pool.status()).toMatchObject({ failed: 1, workersLost: 0 });
  });

  it("calls process.exit costs its own requests a 502, and is replaced", async () => {
    const pool = await start(`export default () => process.exit(3);`, { threads: 1 });
    expect((await pool.get("/bad")).status).toBe(502);
    expect((await pool.get("/hello")).body.toString()).toBe("hello 1");
    expect(lost(pool)).toBe(1);
  });

  it("dies in mid-body has the connection cut, so that the body does not look whole", async () => {
    const pool = await start(`export default () => new Response(new ReadableStream({
      async pull(c) { c.enqueue(new TextEncoder().encode("half")); await new Promise((r) => setTimeout(r, 30)); process.exit(1); },
    }));`);
    const client = await pool.connect();
    const reply = client.request({ params: { REQUEST_METHOD: "GET", REQUEST_URI: "/bad", SCRIPT_NAME: "/bad" } });
    await expect(reply).rejects.toThrow("closed");
    expect(client.events.some((event) => event.kind === "stdout")).toBe(true);
    expect(client.events.some((event) => event.kind === "end")).toBe(false);
  });

  it("loops without end gets 504 after request.timeout, and its worker is replaced after request.grace", async () => {
    const pool = await start(`export default () => { for (;;) {} };`, {
      threads: 1,
      request: { timeout: "150ms", grace: "100ms" },
    });
    expect((await pool.get("/bad")).status).toBe(504);
    expect((await pool.get("/hello")).body.toString()).toBe("hello 1");
    expect(pool.lines).toContainEqual(expect.objectContaining({ msg: "request refused", uri: "/bad", status: 504 }));
    await eventually(() => lost(pool) === 1);
  });

  it("loops without end takes along no request that waits behind it", async () => {
    const pool = await start(
      `export default (request: Request) => { if (request.url.endsWith("?loop")) for (;;); return new Response("ready"); };`,
      { request: { timeout: "2s" } },
    );
    // Both are loaded: what has begun while its module still loads would be stuck with the loop.
    expect((await pool.get("/hello")).status).toBe(200);
    expect((await pool.get("/bad")).status).toBe(200);
    const bad = pool.get("/bad?loop");
    const replies = await Promise.all(Array.from({ length: 20 }, () => pool.get("/hello")));
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect((await bad).status).toBe(504);
  });

  it("never settles gets 504, its signal fires, and its worker stays", async () => {
    const pool = await start(
      `export default (request) => new Promise(() => { request.signal.addEventListener("abort", () => { globalThis.fired = true; }); });
       export const GET2 = 0;`,
      { threads: 1, request: { timeout: "100ms", grace: "100ms" } },
    );
    pool.dir.write("root/fired.ts", "export default () => new Response(String(globalThis.fired));");
    expect((await pool.get("/bad")).status).toBe(504);
    expect((await pool.get("/fired")).body.toString()).toBe("true");
    expect(lost(pool)).toBe(0);
  });

  it("loops without end for a client that has left is ended all the same", async () => {
    const pool = await start(`export default () => { for (;;) {} };`, {
      threads: 1,
      request: { timeout: "200ms", grace: "100ms" },
    });
    const client = await pool.connect();
    client.request({ params: { REQUEST_METHOD: "GET", REQUEST_URI: "/bad", SCRIPT_NAME: "/bad" } }).catch(() => {});
    await eventually(() => pool.pool.status().workers[0]?.state === "busy");
    await client.close();
    expect((await pool.get("/hello")).body.toString()).toBe("hello 1");
    expect(lost(pool)).toBe(1);
  });

  it("never settles for clients that left has its worker recycled after 8 of them", async () => {
    const pool = await start(`export default () => { console.log("begun"); return new Promise(() => {}); };`, {
      threads: 1,
      request: { timeout: "200ms", grace: "10s" },
    });
    const begun = () => pool.lines.filter(({ msg }) => msg === "begun").length;
    for (let n = 0; n < 8; n++) {
      const client = await pool.connect();
      client.request({ params: { REQUEST_METHOD: "GET", REQUEST_URI: "/bad", SCRIPT_NAME: "/bad" } }).catch(() => {});
      await eventually(() => begun() === n + 1);
      await client.close();
      await eventually(() => pool.pool.status().open === 0);
    }
    await eventually(() => pool.pool.status().workers.some(({ worker }) => worker === 2));
    expect(lost(pool)).toBe(0);
  });

  it("dies right after its reply costs that reply nothing", async () => {
    const pool = await start(
      // In the turn in which the reply leaves: nothing else can have begun by then.
      `export default () => { queueMicrotask(() => setImmediate(() => process.exit(1))); return new Response("said"); };`,
      { threads: 1 },
    );
    for (let n = 0; n < 5; n++) expect((await pool.get("/bad")).body.toString()).toBe("said");
  });

  it("throws later, outside any request, disturbs no request; its worker is replaced first", async () => {
    const pool = await start(
      `export default () => { setTimeout(() => { throw new Error("late"); }, 1); return new Response("ok"); };`,
      { threads: 1 },
    );
    expect((await pool.get("/bad")).body.toString()).toBe("ok");
    await eventually(() => pool.pool.status().workers.some(({ worker }) => worker === 2));
    expect((await pool.get("/hello")).status).toBe(200);
    await eventually(() => pool.pool.status().workers.every(({ worker }) => worker === 2));
    expect(pool.lines.some((line) => line.msg === "late" && String(line.stack).includes("bad.ts:1"))).toBe(true);
    expect(lost(pool)).toBe(0);
  });

  it("rejects with what cannot even be shown disturbs no request", async () => {
    const pool = await start(
      `export default () => { Promise.reject(Object.create(null)); return new Response("ok"); };`,
      {
        threads: 1,
      },
    );
    expect((await pool.get("/bad")).body.toString()).toBe("ok");
    await eventually(() => pool.lines.some((line) => String(line.msg).includes("cannot be shown")));
    expect(lost(pool)).toBe(0);
  });

  it("leaves a rejection unhandled disturbs no request", async () => {
    const pool = await start(
      `export default () => { Promise.reject(new Error("stray")); return new Response("ok"); };`,
      { threads: 1 },
    );
    expect((await pool.get("/bad")).body.toString()).toBe("ok");
    await eventually(() => pool.lines.some((line) => line.msg === "stray"));
    expect((await pool.get("/hello")).status).toBe(200);
  });

  it("passes memory_limit costs its own requests a 502; the other worker is not touched", async () => {
    const pool = await start(
      `export default () => { const kept = []; for (;;) kept.push(new Array(1e5).fill(Math.random())); };`,
      { memory_limit: "32MiB" },
    );
    const first = await pool.get("/hello");
    expect(first.status).toBe(200);
    expect((await pool.get("/bad", {}, 15_000)).status).toBe(502);
    expect((await pool.get("/hello")).status).toBe(200);
    expect(pool.lines.some((line) => String(line.reason).includes("memory_limit"))).toBe(true);
  }, 30_000);

  it("returns no Response costs a 500 that the log explains", async () => {
    const pool = await start(`export default () => "text";`);
    expect((await pool.get("/bad")).status).toBe(500);
    await eventually(() => pool.lines.some((line) => JSON.stringify(line).includes("instead of a Response")));
  });
});

describe("a reply that the web server takes slowly", () => {
  it("is whole although its worker is recycled meanwhile", async () => {
    const length = 8 * 1024 * 1024;
    const running = await startPool(
      {
        "big.ts": `export default () => new Response("x".repeat(${length}));`,
        "late.ts": `export default () => { setTimeout(() => { throw new Error("late"); }); return new Response("ok"); };`,
      },
      { threads: 1 },
    );
    try {
      const slow = await running.connect();
      slow.socket.pause();
      const reply = slow.request({ params: { REQUEST_METHOD: "GET", REQUEST_URI: "/big", SCRIPT_NAME: "/big" } });
      await eventually(() => running.pool.status().workers[0]?.open === 1);
      await running.get("/late");
      await eventually(() => running.pool.status().workers.some(({ state }) => state === "draining"));
      await running.get("/late"); // the next worker serves: the first one has been told
      slow.socket.resume();
      expect((await reply).body.length).toBe(length);
    } finally {
      await running.stop();
    }
  });
});

describe("the log", () => {
  it("holds a bounded number of lines about refused requests", async () => {
    const running = await startPool({ "hello.ts": HELLO }, { threads: 1, request: { body_limit: 10 } });
    try {
      const client = await running.connect();
      for (let n = 0; n < 200; n++) {
        const params = { REQUEST_METHOD: "POST", REQUEST_URI: "/hello", SCRIPT_NAME: "/hello", CONTENT_LENGTH: "11" };
        expect((await client.request({ params })).status).toBe(413);
      }
      const lines = running.lines.filter(({ code }) => code === "LIMIT");
      expect(lines.length).toBeGreaterThanOrEqual(20);
      expect(lines.length).toBeLessThan(100);
      expect(running.pool.status().refused).toBe(200);
    } finally {
      await running.stop();
    }
  });
});

describe("the queue", () => {
  it("refuses beyond queue.max with 503 and Retry-After; the app never sees those", async () => {
    const running = await startPool(
      {
        "slow.ts": `export default () => new Promise<Response>(() => {});`,
      },
      { threads: 1, concurrency: 2, queue: { max: 1 } },
    );
    try {
      for (let n = 0; n < 3; n++) running.get("/slow").catch(() => {}); // they end with the pool
      await eventually(() => running.pool.status().open === 3);
      const refused = await running.get("/slow");
      expect([refused.status, refused.header("retry-after")]).toEqual([503, "1"]);
      expect(running.pool.status()).toMatchObject({ queue: 1, refused: 1 });
    } finally {
      await running.stop();
    }
  });

  it("drops a request whose web server hangs up while it waits", async () => {
    const running = await startPool(
      {
        "slow.ts": `let seen = 0; let go = () => {};
          export default async (request: Request) => {
            if (++seen === 1) await new Promise<void>((resolve) => { go = resolve; setTimeout(resolve, 300); });
            return new Response(String(seen));
          };`,
      },
      { threads: 1, concurrency: 1 },
    );
    try {
      const first = running.get("/slow");
      await eventually(() => running.pool.status().open === 1);
      const impatient = await running.connect();
      impatient
        .request({ params: { REQUEST_METHOD: "GET", REQUEST_URI: "/slow", SCRIPT_NAME: "/slow" } })
        .catch(() => {});
      await eventually(() => running.pool.status().queue === 1);
      await impatient.close();
      await eventually(() => running.pool.status().queue === 0);
      expect((await first).body.toString()).toBe("1");
      expect((await running.get("/slow")).body.toString()).toBe("2");
    } finally {
      await running.stop();
    }
  });
});

describe("the state of a worker", () => {
  it("lives as long as the worker: init once, many requests, dispose when it leaves", async () => {
    const running = await startPool(
      {
        "state.ts": `let inits = 0;
          export default {
            init() { return { inits: ++inits, born: Math.random(), requests: 0 }; },
            fetch(request: Request, ctx: any) { ctx.state.requests++; return Response.json({ ...ctx.state, worker: ctx.worker }); },
          };`,
      },
      { threads: 1 },
    );
    try {
      const [first, second] = [await running.get("/state"), await running.get("/state")].map((reply) =>
        JSON.parse(reply.body.toString()),
      );
      expect(second).toMatchObject({
        inits: 1,
        requests: 2,
        born: first.born,
        worker: { id: 1, generation: 1, requests: 2 },
      });
    } finally {
      await running.stop();
    }
  });

  it("is fresh in a worker that takes another's place: no module survives its thread", async () => {
    const running = await startPool(
      { "count.ts": HELLO, "die.ts": "export default () => process.exit(1);" },
      { threads: 1 },
    );
    try {
      for (let round = 0; round < 3; round++) {
        expect((await running.get("/count")).body.toString()).toBe("hello 1");
        expect((await running.get("/count")).body.toString()).toBe("hello 2");
        expect((await running.get("/die")).status).toBe(502);
      }
    } finally {
      await running.stop();
    }
  });

  it("is swapped for a new generation when a watched file changes", async () => {
    const running = await startPool(
      { "page.ts": `export default () => new Response("one");` },
      { threads: 1, watch: true },
    );
    try {
      const body = async () => (await running.get("/page")).body.toString();
      expect(await body()).toBe("one");
      running.dir.write("root/page.ts", `export default () => new Response("two");`);
      await eventually(async () => (await body()) === "two");
      expect(running.pool.status().workersGeneration).toBe(2);
    } finally {
      await running.stop();
    }
  });
});

describe("a watched app", () => {
  it("serves on as it was when a change does not load, and takes the next one that does", async () => {
    const running = await startPool(
      { "app.ts": `export default () => new Response("one");` },
      { threads: 1, watch: true, root: undefined, app: "root/app.ts" },
    );
    try {
      const body = async () => (await running.get("/")).body.toString();
      running.dir.write("root/app.ts", `export default () => new Response("two"`);
      await eventually(() => running.pool.status().lastBootFault !== undefined);
      expect(await body()).toBe("one");
      expect(running.pool.status().lastBootFault?.message).toContain("app.ts:1");
      running.dir.write("root/app.ts", `export default () => new Response("three");`);
      await eventually(async () => (await body()) === "three");
      expect(running.pool.status().lastBootFault).toBeUndefined();
    } finally {
      await running.stop();
    }
  });
});

describe("an app that does not load", () => {
  it("is reported with its stack, and never hangs", async () => {
    const start = startPool(
      {
        "app.ts": `const config: { port: number } | undefined = undefined;\nexport default () => new Response();\nthrow new Error("no database");\n`,
      },
      { root: undefined, app: "root/app.ts" },
    );
    await expect(start).rejects.toMatchObject({
      code: "BOOT",
      message: expect.stringContaining("no database"),
      stack: expect.stringContaining("app.ts:3"),
    });
  });
});

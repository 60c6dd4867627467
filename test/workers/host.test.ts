import { join } from "node:path";
import { Fault } from "../../src/base/fault.ts";
import type { WorkerBoot } from "../../src/messages/lane.ts";
import { installRequest } from "../../workers/request.ts";
import { installResponse } from "../../workers/response.ts";
import { FakeExchange } from "../support/fake-exchange.ts";
import { type Asking, hostOver, type Modules } from "../support/site-host.ts";
import { tempDirs } from "../support/temp-dir.ts";

installRequest();
installResponse();

const newDir = tempDirs();
/** A host whose modules are `modules`, by file. */
function boot(options: Partial<WorkerBoot>, modules: Modules): Promise<Asking> {
  return hostOver(modules, { worker: 3, generation: 2, ...options });
}

function bootApp(exports: Record<string, unknown>, options: Partial<WorkerBoot> = {}): Promise<Asking> {
  return boot({ app: "/srv/app.ts", ...options }, { "/srv/app.ts": exports });
}

describe("a worker's host", () => {
  it("answers with what the handler returns, at once if it is no promise", async () => {
    const { host } = await bootApp({ default: () => new Response("hello") });
    const exchange = new FakeExchange();
    host.handle(exchange);
    expect([exchange.status, exchange.text]).toEqual([200, "hello"]);
  });

  it("gives the handler state, worker and variables, and counts its requests", async () => {
    const { ask } = await bootApp({
      init: (worker: { id: number }) => ({ from: worker.id }),
      fetch: async (request: Request, ctx: { state: { from: number }; worker: object; env: Record<string, string> }) =>
        Response.json([request.url, ctx.state.from, ctx.worker, ctx.env.SERVER_NAME]),
    });
    await ask();
    expect(JSON.parse((await ask({ url: "/a" })).text)).toEqual([
      "http://site.test/a",
      3,
      { id: 3, generation: 2, requests: 2 },
      "site.test",
    ]);
  });

  it("does not boot without a handler, or where init fails", async () => {
    await expect(bootApp({ helper: 1 })).rejects.toMatchObject({
      code: "BOOT",
      message: expect.stringContaining("exports no handler"),
    });
    const error = new Error("no database");
    await expect(bootApp({ init: () => Promise.reject(error), fetch() {} })).rejects.toMatchObject({
      code: "BOOT",
      stack: error.stack,
      cause: error,
    });
    await expect(boot({ app: "/gone.ts" }, {})).rejects.toMatchObject({ code: "BOOT" });
    await expect(boot({ root: "/gone" }, {})).rejects.toMatchObject({
      code: "BOOT",
      message: expect.stringContaining("/gone"),
    });
    await expect(boot({}, {})).rejects.toMatchObject({ code: "BOOT" });
    await expect(bootApp({ fetch() {} }, { kind: "nonsense" })).rejects.toMatchObject({ code: "BOOT" });
  });
});

describe("a handler that fails", () => {
  const secret = "password=1234";
  const failures: [string, () => unknown][] = [
    [
      "throws",
      () => {
        throw new Error(secret);
      },
    ],
    ["rejects", () => Promise.reject(new Error(secret))],
    [
      "throws a string",
      () => {
        throw secret;
      },
    ],
    [
      "throws a Response",
      () => {
        throw new Response(secret);
      },
    ],
    [
      "throws undefined",
      () => {
        throw undefined;
      },
    ],
    ["returns nothing", () => undefined],
    ["resolves to null", async () => null],
    ["returns text", () => secret],
    ["returns a number", () => 200],
    ["returns what only looks like a Response", () => ({ status: 200, headers: new Headers(), body: secret })],
    ["returns a header that cannot be sent", () => new Response("x", { headers: { a: `1\n${secret}` } })],
    [
      "returns a body that fails at once",
      () => new Response(new ReadableStream({ start: (c) => c.error(new Error(secret)) })),
    ],
    ["returns an error Response", () => Response.error()],
    [
      "returns a Response that it has read",
      async () => {
        const r = new Response("x");
        await r.text();
        return r;
      },
    ],
  ];

  it.each(failures)(
    "because it %s is 500 with a page that tells nothing, and an error in the log",
    async (_how, fetch) => {
      const { ask } = await bootApp({ fetch });
      const exchange = await ask({ variables: { UNIQUE_ID: "abc123" } });
      expect(exchange).toMatchObject({ status: 500, streamed: false, fault: { code: "HANDLER" } });
      expect(exchange.text).not.toContain(secret);
      expect(exchange.text).toContain("abc123");
      expect(exchange.lines).toEqual([expect.objectContaining({ level: "error" })]);
      expect(exchange.lines[0]?.fields?.stack).toEqual(expect.any(String));
    },
  );

  it("is told what it returned, and from which file", async () => {
    const { ask } = await bootApp({ fetch: () => new Map() });
    expect((await ask()).lines[0]?.message).toBe(
      "the handler of /srv/app.ts (responder) returned an object (Map) instead of a Response",
    );
  });

  it("shows its error where the pool shows errors", async () => {
    const { ask } = await bootApp(
      {
        fetch: () => {
          throw new TypeError("it broke");
        },
      },
      { showErrors: true },
    );
    const page = await ask({ headers: { accept: "text/html" } });
    expect([page.status, page.header("content-type")]).toEqual([500, "text/html; charset=utf-8"]);
    expect(page.text).toContain("TypeError: it broke");
    expect(page.header("content-security-policy")).toContain("default-src 'none'");
    const text = await ask();
    expect([text.header("content-type"), text.text]).toEqual([
      "text/plain; charset=utf-8",
      expect.stringContaining("it broke"),
    ]);
  });

  it("says what limit a request has passed where the pool shows errors, and otherwise in the log alone", async () => {
    const app = {
      fetch: () => {
        throw new Fault("LIMIT", "the form has <2> fields \u00e9 (form.fields)", { hint: "Raise fields." });
      },
    };
    const shown = await (await bootApp(app, { showErrors: true })).ask();
    expect([shown.status, shown.header("content-length")]).toEqual([413, String(Buffer.byteLength(shown.text))]);
    expect(shown.text).toContain("<p>the form has &lt;2&gt; fields &#233; (form.fields)</p>\n<p>Raise fields.</p>");
    const kept = await (await bootApp(app)).ask();
    expect([kept.status, kept.text.includes("form.fields")]).toEqual([413, false]);
    expect(kept.lines[0]?.message).toContain("form.fields");
  });

  it("says how a (req, res) function is exported, where one was called as a handler", async () => {
    const { ask } = await bootApp({ fetch: (_req: unknown, res: { end(): void }) => res.end() });
    expect((await ask()).lines[0]).toMatchObject({
      message: "the handler failed: TypeError: res.end is not a function",
      fields: { hint: expect.stringContaining("nodeHandler()") },
    });
  });

  it("answers HEAD without a page", async () => {
    const { ask } = await bootApp({
      fetch: () => {
        throw new Error("x");
      },
    });
    expect(await ask({ method: "HEAD" })).toMatchObject({ status: 500, text: "" });
  });

  it("disturbs nobody else", async () => {
    const { ask } = await bootApp({
      fetch: (request: Request) => {
        if (request.url.endsWith("/bad")) throw new Error("x");
        return new Response("good");
      },
    });
    const [bad, good] = await Promise.all([ask({ url: "/bad" }), ask({ url: "/good" })]);
    expect([bad.status, good.text]).toEqual([500, "good"]);
  });

  it("refuses an authorizer's request [FCGI §6.3]", async () => {
    const { ask } = await bootApp({
      authorize: () => {
        throw new Error("x");
      },
    });
    expect((await ask({ role: "authorizer" })).header("status")).toBe("500 Internal Server Error");
    expect((await ask()).status).toBe(500);
  });
});

describe("a request that cannot be served", () => {
  it("because its method is none is 400, and the app never sees it", async () => {
    let seen = 0;
    const { ask } = await bootApp({
      fetch: () => {
        seen += 1;
        return new Response();
      },
    });
    const exchange = await ask({ method: "ge t" });
    expect([exchange.status, seen, exchange.lines[0]?.level]).toEqual([400, 0, "warn"]);
  });

  it("because its body breaks a limit is what the limit says", async () => {
    const { ask } = await bootApp({ fetch: async (request: Request) => new Response(await request.text()) });
    const exchange = await ask({ method: "POST", pieces: ["a", new Fault("LIMIT", "the body is too long") as Error] });
    expect([exchange.status, exchange.lines[0]?.level]).toEqual([413, "warn"]);
  });

  it("because its client has gone is answered, and nothing is logged", async () => {
    const { host } = await bootApp({
      fetch: (_request: Request, ctx: { signal: AbortSignal }) =>
        new Promise((_resolve, reject) => {
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
        }),
    });
    const exchange = new FakeExchange();
    host.handle(exchange);
    exchange.abort("client-gone");
    await new Promise((resolve) => setImmediate(resolve));
    expect([exchange.status, exchange.lines]).toEqual([500, []]);
  });
});

describe("a folder of handlers", () => {
  async function site(options: Partial<WorkerBoot> = {}): Promise<Asking & { root: string }> {
    const dir = newDir();
    const modules: Record<string, Record<string, unknown>> = {};
    const say = (_request: Request, { env }: { env: Record<string, string> }): Response =>
      new Response([env.SCRIPT_NAME, env.PATH_INFO, env.SCRIPT_FILENAME?.slice(dir.path.length)].join(" "));
    for (const name of ["index.ts", "hello.ts", "docs/index.ts"]) modules[dir.write(name, "")] = { default: say };
    modules[dir.write("counts.ts", "")] = {
      init: () => ({ n: 0 }),
      GET: (_r: Request, ctx: { state: { n: number } }) => new Response(String(++ctx.state.n)),
    };
    modules[dir.write("empty.ts", "")] = {};
    dir.write("style.css", "b{}");
    return { ...(await boot({ root: dir.path, ...options }, modules)), root: dir.path };
  }

  it("answers each URL with its file, and tells the file its place", async () => {
    const { ask } = await site();
    expect((await ask({ url: "/hello/a/b?c" })).text).toBe("/hello /a/b /hello.ts");
    expect((await ask({ url: "/" })).text).toBe("/index.ts  /index.ts");
    expect((await ask({ url: "/docs/" })).text).toBe("/docs/index.ts  /docs/index.ts");
  });

  it("leaves SCRIPT_NAME and PATH_INFO to a web server that mapped the file", async () => {
    const { ask, root } = await site();
    const variables = {
      SCRIPT_FILENAME: `proxy:fcgi://h${join(root, "hello.ts")}`,
      SCRIPT_NAME: "/alias",
      PATH_INFO: "/p",
    };
    expect((await ask({ url: "/alias/p", variables })).text).toBe("/alias /p /hello.ts");
  });

  it("keeps each file's state from request to request", async () => {
    const { ask } = await site();
    expect([(await ask({ url: "/counts" })).text, (await ask({ url: "/counts.ts" })).text]).toEqual(["1", "2"]);
    expect((await ask({ url: "/counts", method: "POST" })).header("allow")).toBe("GET, HEAD, OPTIONS");
  });

  it("sends a folder without its slash there, keeping the query", async () => {
    const { ask } = await site();
    const exchange = await ask({ url: "/docs?a=b&c" });
    expect([exchange.status, exchange.header("location")]).toEqual([301, "/docs/?a=b&c"]);
  });

  it("says 404 plainly, and why only where the pool shows errors", async () => {
    expect((await (await site()).ask({ url: "/gone" })).text).toBe("Not Found\n");
    const exchange = await (await site({ showErrors: true })).ask({ url: "/_x" });
    expect([exchange.status, exchange.text]).toEqual([404, 'Not Found: "_x" is never served\n']);
  });

  it("is 500 for a file without a handler, while the others are served", async () => {
    const { ask } = await site();
    const exchange = await ask({ url: "/empty" });
    expect([exchange.status, exchange.lines[0]?.message]).toEqual([500, expect.stringContaining("exports no handler")]);
    expect((await ask({ url: "/empty" })).status).toBe(500);
    expect((await ask({ url: "/hello" })).status).toBe(200);
  });

  it("shows why a file did not load where the pool shows errors", async () => {
    const { ask } = await site({ showErrors: true });
    expect(await ask({ url: "/empty" })).toMatchObject({
      status: 500,
      text: expect.stringContaining("exports no handler"),
    });
  });

  it("serves other files only where it is told to", async () => {
    expect((await (await site()).ask({ url: "/style.css" })).status).toBe(404);
    const exchange = await (await site({ serveStatic: true })).ask({ url: "/style.css" });
    expect([exchange.status, exchange.header("content-type"), exchange.text]).toEqual([
      200,
      "text/css; charset=utf-8",
      "b{}",
    ]);
  });
});

describe("a worker that drains", () => {
  it("waits for open handlers, bodies and waitUntil, then disposes", async () => {
    const order: string[] = [];
    const release: (() => void)[] = [];
    const gate = (name: string): Promise<void> =>
      new Promise((resolve) => {
        release.push(() => {
          order.push(name);
          resolve();
        });
      });
    const { host } = await bootApp({
      fetch: async (_request: Request, ctx: { waitUntil(promise: Promise<unknown>): void }) => {
        ctx.waitUntil(gate("later"));
        await gate("handler");
        return new Response("x");
      },
      dispose: () => {
        order.push("dispose");
      },
    });
    const exchange = new FakeExchange();
    host.handle(exchange);
    const drained = host.drain(performance.now() + 5000);
    release[1]?.();
    await exchange.answered;
    expect(order).toEqual(["handler"]);
    release[0]?.();
    await drained;
    expect(order).toEqual(["handler", "later", "dispose"]);
  });

  it("disposes at its deadline although a handler is open, and never fails", async () => {
    let disposed = false;
    const { host, lines } = await bootApp({
      fetch: () => new Promise(() => {}),
      dispose: () => {
        disposed = true;
        throw new Error("stuck");
      },
    });
    host.handle(new FakeExchange());
    await host.drain(performance.now() + 20);
    expect(disposed).toBe(true);
    expect(lines).toEqual(["error dispose of /srv/app.ts failed"]);
  });

  it("leaves dispose time of its own, although a handler never settles", async () => {
    let disposed = false;
    const { host } = await bootApp({
      fetch: () => new Promise(() => {}),
      dispose: () =>
        new Promise<void>((resolve) => {
          setTimeout(() => {
            disposed = true;
            resolve();
          }, 10);
        }),
    });
    host.handle(new FakeExchange());
    await host.drain(performance.now() + 400);
    expect(disposed).toBe(true);
  });

  it("logs what waitUntil rejected with", async () => {
    const { ask, host } = await bootApp({
      fetch: (_request: Request, ctx: { waitUntil(promise: Promise<unknown>): void }) => {
        ctx.waitUntil(Promise.reject(new Error("mail not sent")));
        return new Response("x");
      },
    });
    const exchange = await ask();
    await host.drain(performance.now() + 1000);
    expect(exchange.lines).toEqual([
      expect.objectContaining({ level: "error", fields: { stack: expect.stringContaining("mail not sent") } }),
    ]);
  });

  it("runs what was deferred when the reply is complete, the last first, whatever becomes of one", async () => {
    const ran: string[] = [];
    const { ask, host } = await bootApp({
      fetch: (_request: Request, ctx: { defer(work: () => unknown): void }) => {
        ctx.defer(() => ran.push("first"));
        ctx.defer(() => {
          throw new Error("not closed");
        });
        ctx.defer(async () => {
          await undefined;
          ran.push("last");
        });
        return new Response("x");
      },
    });
    const exchange = await ask();
    await host.drain(performance.now() + 1000);
    expect(ran).toEqual(["last", "first"]);
    expect(exchange.lines).toEqual([
      expect.objectContaining({ level: "error", fields: { stack: expect.stringContaining("not closed") } }),
    ]);
  });

  it("runs also what is deferred after that, by what outlives the reply", async () => {
    const ran: string[] = [];
    const { ask, host } = await bootApp({
      fetch: (
        _request: Request,
        ctx: { defer(work: () => unknown): void; waitUntil(work: Promise<unknown>): void },
      ) => {
        const earlier = Promise.withResolvers<void>();
        ctx.defer(() => earlier.resolve());
        const outlives = async (): Promise<void> => {
          await earlier.promise;
          await new Promise((turn) => setImmediate(turn));
          ctx.defer(() => ran.push("late"));
        };
        ctx.waitUntil(outlives());
        return new Response("x");
      },
    });
    await ask();
    await host.drain(performance.now() + 1000);
    expect(ran).toEqual(["late"]);
  });
});

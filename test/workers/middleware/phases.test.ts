import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { basicAuth, type Context, defineMiddleware, type MiddlewareContext } from "../../../src/index.ts";
import { installRequest } from "../../../workers/request.ts";
import { installResponse } from "../../../workers/response.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeExchange } from "../../support/fake-exchange.ts";
import { type Modules, type SiteHost, siteHost } from "../../support/site-host.ts";
import { tempDirs } from "../../support/temp-dir.ts";

installRequest();
installResponse();

const newDir = tempDirs();
const boot = (modules: Modules, options = {}): Promise<SiteHost> => siteHost(newDir(), modules, options);
const says = (text: string) => ({ default: () => new Response(text) });

const PHASES = ["begin", "access", "authenticate", "authorize", "fixup", "wrap", "log", "cleanup"] as const;

/** A middleware of all phases that writes down which of them ran. */
function recorder(name: string, seen: string[], answers: Record<string, () => unknown> = {}) {
  const phases: Record<string, unknown> = {};
  for (const phase of PHASES) {
    phases[phase] = async (_request: Request, _ctx: unknown, next: () => Promise<Response>) => {
      seen.push(`${name}.${phase}`);
      await setImmediate();
      if (phase in answers) return answers[phase]?.();
      return phase === "wrap" ? next() : undefined;
    };
  }
  return { default: phases };
}

describe("the phases of a request", () => {
  it("run for all folders, outermost first, one after the other, as in mod_python", async () => {
    const seen: string[] = [];
    const { ask, loaded } = await boot({
      "_middleware.ts": recorder("outer", seen),
      "a/_middleware.js": recorder("inner", seen),
      "a/b/x.ts": {
        default: (_request: Request, ctx: { defer(work: () => void): void }) => {
          seen.push("content");
          ctx.defer(() => seen.push("deferred"));
          return new Response("x");
        },
      },
      "c/_middleware.ts": recorder("other", seen),
    });
    expect((await ask({ url: "/a/b/x" })).text).toBe("x");
    await eventually(() => (seen.at(-1) === "outer.cleanup" ? true : undefined));
    expect(seen).toEqual([
      ...["begin", "access", "authenticate", "authorize", "fixup", "wrap"].flatMap((phase) => [
        `outer.${phase}`,
        `inner.${phase}`,
      ]),
      "content",
      "outer.log",
      "inner.log",
      "deferred",
      "inner.cleanup",
      "outer.cleanup",
    ]);
    expect(loaded.sort()).toEqual(["_middleware.ts", "a/_middleware.js", "a/b/x.ts"]);
  });

  it.each(["begin", "access", "authenticate", "authorize", "fixup"])(
    "end where %s answers, and what is guarded is not even loaded; log and cleanup follow",
    async (phase) => {
      const seen: string[] = [];
      const { get, loaded } = await boot({
        "_middleware.ts": recorder("outer", seen, { [phase]: () => new Response("no", { status: 403 }) }),
        "a/_middleware.ts": recorder("inner", seen),
        "a/x.ts": says("secret"),
      });
      const { status, text } = await get("/a/x");
      expect([status, text]).toEqual([403, "no"]);
      await eventually(() => (seen.at(-1) === "outer.cleanup" ? true : undefined));
      expect(seen).not.toContain(`inner.${phase}`);
      expect(seen).not.toContain("inner.wrap");
      expect(seen.slice(-4)).toEqual(["outer.log", "inner.log", "inner.cleanup", "outer.cleanup"]);
      expect(loaded).not.toContain("a/x.ts");
    },
  );

  it("hand on what an earlier one has found out, each with its own state", async () => {
    const { get } = await boot({
      "_middleware.ts": {
        default: defineMiddleware<{ users: Map<string, string> }, { name: string; admin: boolean }>({
          init: () => ({ users: new Map([["ada", "lovelace"]]) }),
          authenticate: basicAuth({
            realm: "Staff",
            verify: ({ user, password }, ctx: MiddlewareContext<{ users: Map<string, string> }>) =>
              ctx.state.users.get(user) === password ? { name: user, admin: user === "ada" } : undefined,
          }),
        }),
      },
      "admin/_middleware.ts": {
        default: {
          init: () => "the inner state",
          authorize: (_request: Request, ctx: MiddlewareContext) =>
            ctx.user.admin && ctx.state === "the inner state" ? undefined : new Response("no", { status: 403 }),
        },
      },
      "admin/[what].ts": {
        init: () => "the handler's",
        default: (_request: Request, ctx: MiddlewareContext) =>
          Response.json([ctx.user, ctx.state, ctx.params, ctx.env.SCRIPT_NAME]),
      },
    });
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
    const refused = await get("/admin/x");
    expect([refused.status, refused.header("www-authenticate")]).toEqual([401, 'Basic realm="Staff", charset="UTF-8"']);
    expect((await get("/admin/x", basic("ada:wrong"))).status).toBe(401);
    expect(JSON.parse((await get("/admin/x", basic("ada:lovelace"))).text)).toEqual([
      { name: "ada", admin: true },
      "the handler's",
      { what: "x" },
      "/admin/x",
    ]);
  });

  it("surround pages that are not there, folders without slash and files", async () => {
    const dir = newDir();
    dir.write("www/a/style.css", "body{}");
    const { get } = await siteHost(
      dir,
      {
        "a/_middleware.ts": {
          default: async (_request: Request, _ctx: unknown, next: () => Promise<Response>) => {
            const response = await next();
            return new Response(`${response.status} ${await response.text()}`, { headers: { x: "wrapped" } });
          },
        },
        "a/b/index.ts": says("index"),
        "x.ts": says("x"),
      },
      { serveStatic: true },
    );
    const said = async (url: string): Promise<unknown> => {
      const exchange = await get(url);
      return [exchange.text, exchange.header("x")];
    };
    expect(await said("/a/style.css")).toEqual(["200 body{}", "wrapped"]);
    expect(await said("/a/missing")).toEqual(["404 Not Found\n", "wrapped"]);
    expect(await said("/a/b")).toEqual(["301 ", "wrapped"]);
    expect(await said("/a/b/")).toEqual(["200 index", "wrapped"]);
    expect(await said("/missing")).toEqual(["Not Found\n", undefined]);
    expect(await said("/x")).toEqual(["x", undefined]);
  });
});

describe("wrap", () => {
  it("may drop what the content answers: a file is closed all the same", async () => {
    const dir = newDir();
    dir.write("www/big.txt", "x".repeat(100_000));
    const { ask, root } = await siteHost(
      dir,
      {
        "_middleware.ts": {
          default: async (_request: Request, _ctx: unknown, next: () => Promise<Response>) => {
            await next();
            return new Response("instead");
          },
        },
      },
      { serveStatic: true },
    );
    expect((await ask({ url: "/big.txt" })).text).toBe("instead");
    const open = (): string[] =>
      readdirSync("/proc/self/fd").flatMap((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return [];
        }
      });
    await eventually(() => (open().includes(join(root, "big.txt")) ? undefined : true));
  });

  it("as a default function may answer, or change request and response", async () => {
    const { ask } = await boot({
      "_middleware.ts": {
        default: async (request: Request, _ctx: unknown, next: (request?: Request) => Promise<Response>) => {
          if (request.headers.has("x-stop")) return new Response("stopped");
          const response = await next(new Request(`${request.url}?changed`, request));
          response.headers.set("x-wrapped", "yes");
          return response;
        },
      },
      "echo.ts": {
        default: async (request: Request) => new Response(`${request.url} ${await request.text()}`),
      },
    });
    expect((await ask({ url: "/echo", headers: { "x-stop": "1" } })).text).toBe("stopped");
    const changed = await ask({ url: "/echo", method: "POST", body: "sent" });
    expect([changed.text, changed.header("x-wrapped")]).toEqual(["http://site.test/echo?changed sent", "yes"]);
  });

  it("may make something of what the content throws; else that stays what it was", async () => {
    const error = new Error("from the content");
    const { get } = await boot({
      "_middleware.ts": {
        default: {
          wrap: async (request: Request, _ctx: unknown, next: () => Promise<Response>) => {
            if (!request.url.endsWith("?rescue")) return next();
            return next().catch((thrown: Error) => new Response(`rescued: ${thrown.message}`));
          },
        },
      },
      "fails.ts": {
        default: () => {
          throw error;
        },
      },
    });
    expect((await get("/fails?rescue")).text).toBe("rescued: from the content");
    const failed = await get("/fails");
    expect([failed.status, failed.lines[0]?.message]).toEqual([500, "the handler failed: Error: from the content"]);
  });

  it("runs what is inside once", async () => {
    let times = 0;
    const { get } = await boot({
      "_middleware.ts": {
        default: async (_request: Request, _ctx: unknown, next: () => Promise<Response>) => {
          await next();
          return next();
        },
      },
      "x.ts": { default: () => new Response(String(++times)) },
    });
    const twice = await get("/x");
    expect([twice.status, twice.lines[0]?.message, times]).toEqual([
      500,
      expect.stringMatching(/_middleware\.ts called next\(\) twice/),
      1,
    ]);
  });
});

describe("filters", () => {
  const upper = () =>
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (bytes, controller) => controller.enqueue(Buffer.from(Buffer.from(bytes).toString().toUpperCase())),
    });
  const brackets = (name: string) =>
    new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from(`${name}(`)),
      flush: (controller) => controller.enqueue(Buffer.from(")")),
    });

  it("are streams that bodies pass through, the request's from outside in and the response's back", async () => {
    const { ask } = await boot({
      "_middleware.ts": { default: { filterRequest: () => brackets("o"), filterResponse: () => brackets("O") } },
      "a/_middleware.ts": { default: { filterRequest: () => brackets("i"), filterResponse: () => brackets("I") } },
      "a/x.ts": {
        default: async (request: Request) =>
          new Response(await request.text(), {
            headers: { "x-length": String(request.headers.get("content-length")) },
          }),
      },
    });
    const { text, headers } = await ask({
      url: "/a/x",
      method: "POST",
      body: "body",
      headers: { "content-length": "4" },
    });
    expect(text).toBe("O(I(i(o(body))))");
    expect(headers).toContainEqual(["x-length", "null"]);
  });

  it("decide by the response's head, and are not asked for requests without a body", async () => {
    const asked: string[] = [];
    const { get, ask } = await boot({
      "_middleware.ts": {
        default: {
          filterRequest: () => void asked.push("request"),
          filterResponse: (_request: Request, _ctx: unknown, response: Response) =>
            response.headers.get("content-type") === "text/html" ? upper() : undefined,
        },
      },
      "html.ts": { default: () => new Response("<p>", { headers: { "content-type": "text/html" } }) },
      "text.ts": { default: () => new Response("<p>") },
      "long.ts": {
        default: () => new Response("abc", { headers: { "content-type": "text/html", "content-length": "3" } }),
      },
    });
    expect((await get("/html")).text).toBe("<P>");
    expect((await get("/text")).text).toBe("<p>");
    expect((await get("/long")).text).toBe("ABC");
    expect((await ask({ url: "/html", method: "HEAD" })).text).toBe("");
    expect(asked).toEqual([]);
  });

  it("have the whole of a file that was asked for in parts [RFC 9110 §14.2]", async () => {
    const dir = newDir();
    dir.write("www/f.txt", "a secret");
    const sends = (_request: Request, ctx: Context) => ctx.sendFile("f.txt", { root: join(dir.path, "www") });
    const { get } = await siteHost(
      dir,
      {
        "x/_middleware.ts": { default: { filterResponse: upper } },
        "x/f.ts": { default: sends },
        "f.ts": { default: sends },
      },
      { serveStatic: true },
    );
    const asked = { range: "bytes=0-2" };
    const of = async (url: string) => {
      const exchange = await get(url, asked);
      return [exchange.status, exchange.text, exchange.header("content-range")];
    };
    dir.write("www/x/g.txt", "a secret");
    expect([await of("/x/f"), await of("/x/g.txt")]).toEqual([
      [200, "A SECRET", undefined],
      [200, "A SECRET", undefined],
    ]);
    expect([await of("/f"), await of("/f.txt")]).toEqual([
      [206, "a s", "bytes 0-2/8"],
      [206, "a s", "bytes 0-2/8"],
    ]);
  });

  it("leave a Response alone that its handler returns again", async () => {
    const always = new Response("always");
    const { get } = await boot({
      "_middleware.ts": { default: { filterResponse: upper } },
      "x.ts": { default: () => always },
    });
    expect([(await get("/x")).text, (await get("/x")).text]).toEqual(["ALWAYS", "ALWAYS"]);
  });

  it("that are no streams are an error", async () => {
    const { get } = await boot({
      "_middleware.ts": { default: { filterResponse: async () => upper() } },
      "x.ts": says("x"),
    });
    const { status, lines } = await get("/x");
    expect([status, lines[0]?.message]).toEqual([500, expect.stringMatching(/filterResponse of .*_middleware\.ts/)]);
  });
});

describe("log", () => {
  async function logged(content: () => unknown, options = {}): Promise<unknown> {
    const outcomes: unknown[] = [];
    const { ask } = await boot({
      "_middleware.ts": {
        default: {
          log: (request: Request, _ctx: unknown, outcome: object) => outcomes.push({ url: request.url, ...outcome }),
        },
      },
      "x.ts": { default: content },
    });
    await ask({ url: "/x", ...options });
    await eventually(() => outcomes[0]);
    return outcomes[0];
  }

  it("is told status, bytes and duration", async () => {
    expect(await logged(() => new Response("12345", { status: 201 }))).toEqual({
      url: "http://site.test/x",
      status: 201,
      bytes: 5,
      durationMs: expect.any(Number),
      aborted: undefined,
      error: undefined,
    });
  });

  it("counts what streams", async () => {
    async function* pieces() {
      for (const piece of ["ab", "cd"]) {
        await setImmediate();
        await setImmediate();
        yield piece;
      }
    }
    expect(await logged(() => new Response(pieces() as never))).toMatchObject({ status: 200, bytes: 4 });
  });

  it("is told of an error, and of its page", async () => {
    const error = new Error("broken");
    const fails = () => {
      throw error;
    };
    expect(await logged(fails)).toMatchObject({ status: 500, error });
  });

  it("is told that nobody was there any more", async () => {
    const outcomes: unknown[] = [];
    const begun = Promise.withResolvers<void>();
    const { host } = await boot({
      "_middleware.ts": {
        default: { log: (_request: Request, _ctx: unknown, outcome: object) => outcomes.push(outcome) },
      },
      "x.ts": {
        default: async (request: Request) => {
          begun.resolve();
          await new Promise((resolve) => {
            request.signal.addEventListener("abort", resolve);
          });
          return new Response("too late");
        },
      },
    });
    const exchange = new FakeExchange({ url: "/x" });
    host.handle(exchange);
    await begun.promise;
    exchange.abort("client-gone");
    await eventually(() => outcomes[0]);
    expect(outcomes).toEqual([expect.objectContaining({ status: undefined, bytes: 0, aborted: "client-gone" })]);
  });

  it("that fails is a line in the log and keeps no other from running", async () => {
    const seen: string[] = [];
    const { get } = await boot({
      "_middleware.ts": {
        default: {
          log: () => {
            throw new Error("disk full");
          },
          cleanup: () => void seen.push("cleanup"),
        },
      },
      "x.ts": says("x"),
    });
    const exchange = await get("/x");
    await eventually(() => seen[0]);
    expect([exchange.status, exchange.lines[0]?.message]).toEqual([
      200,
      expect.stringMatching(/log of .*_middleware\.ts failed/),
    ]);
  });
});

describe("a phase that fails", () => {
  it.each([
    ["throws", () => Promise.reject(new TypeError("oops")), /access of .*www\/_middleware\.ts failed: TypeError: oops/],
    ["returns true", () => true, /access of .* returned neither/],
    ["returns false", () => false, /access of .* returned neither/],
    ["returns null", () => null, /access of .* returned neither/],
  ])("because it %s is a 500 that names its file, and nothing is served", async (_what, access, message) => {
    const { get, loaded } = await boot({ "_middleware.ts": { default: { access } }, "x.ts": says("secret") });
    const { status, text, lines } = await get("/x");
    expect([status, lines[0]?.message]).toEqual([500, expect.stringMatching(message)]);
    expect(text).not.toContain("secret");
    expect(loaded).toEqual(["_middleware.ts"]);
  });

  it("because of the request keeps the request's status", async () => {
    const { ask } = await boot({
      "_middleware.ts": { default: { begin: async (request: Request) => void (await request.text()) } },
      "x.ts": says("x"),
    });
    const { Fault } = await import("../../../src/base/fault.ts");
    const { status } = await ask({ url: "/x", method: "POST", pieces: ["a", new Fault("LIMIT", "too long")] });
    expect(status).toBe(413);
  });
});

describe("a pool without middleware", () => {
  it("answers at once, as without any of this", async () => {
    const { ask, host, get } = await boot({ "x.ts": says("x") });
    await get("/x");
    const exchange = new FakeExchange({ url: "/x" });
    host.handle(exchange);
    expect(exchange.text).toBe("x");
    expect((await ask({ url: "/x" })).text).toBe("x");
  });
});

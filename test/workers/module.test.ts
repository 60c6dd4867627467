import type { Context, InitContext } from "../../src/app/context.ts";
import type { App } from "../../workers/kinds/app.ts";
import { kindNamed } from "../../workers/kinds/index.ts";
import { moduleApp } from "../../workers/kinds/module.ts";

const init: InitContext = {
  id: 1,
  generation: 2,
  pool: "www",
  file: "/srv/app.ts",
  env: {},
  log: { error() {}, warn() {}, info() {}, debug() {} },
};
const ctx = { state: undefined } as Context;

function load(exports: Record<string, unknown>): Promise<App> {
  return moduleApp(exports, init);
}

async function ask(
  app: App,
  method = "GET",
  role: "responder" | "authorizer" | "filter" = "responder",
): Promise<string> {
  const response = (await app.respond(role, new Request("http://a.test/", { method }), ctx)) as Response;
  const allow = response.headers.get("allow");
  return `${response.status} ${allow ?? (await response.text())}`;
}

const says = (text: string) => () => new Response(text);

describe("a handler module", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["a default object with fetch", { default: { fetch: says("a") } }, "200 a"],
    [
      "a default instance whose class has fetch",
      {
        default: new (class {
          fetch = says("b");
        })(),
      },
      "200 b",
    ],
    ["a default function", { default: says("c") }, "200 c"],
    ["a default function that has fetch itself", { default: Object.assign(says("no"), { fetch: says("d") }) }, "200 d"],
    ["a named fetch", { fetch: says("e") }, "200 e"],
    ["fetch before named methods", { default: { fetch: says("f") }, GET: says("no") }, "200 f"],
    ["named methods", { GET: says("g") }, "200 g"],
    ["methods of a default object", { default: { GET: says("h") } }, "200 h"],
    ["a compiled CommonJS module", { default: { __esModule: true, default: { fetch: says("i") } } }, "200 i"],
  ])("may export %s", async (_what, exports, answer) => {
    expect(await ask(await load(exports))).toBe(answer);
  });

  it("keeps `this` of the object that has the handler", async () => {
    const app = await load({
      default: {
        text: "mine",
        fetch(this: { text: string }) {
          return new Response(this.text);
        },
      },
    });
    expect(await ask(app)).toBe("200 mine");
  });

  it("hands over the request, the context, and the context once more for Workers-style apps", () => {
    let seen: unknown[] = [];
    const request = new Request("http://a.test/");
    return load({
      default: (...args: unknown[]) => {
        seen = args;
      },
    }).then((app) => {
      app.respond("responder", request, ctx);
      expect(seen).toEqual([request, ctx, ctx]);
    });
  });

  it.each<[Record<string, unknown>, string]>([
    [{}, "nothing"],
    [{ default: {} }, "default"],
    [{ default: 5, helper: () => 1 }, "default, helper"],
    [{ default: null }, "default"],
    [{ get: says("lower case is no method") }, "get"],
  ])("without a handler is Fault BOOT that says what was found: %j", async (exports, found) => {
    await expect(load(exports)).rejects.toMatchObject({
      code: "BOOT",
      message: `/srv/app.ts exports no handler; it exports ${found}`,
      hint: expect.stringContaining("fetch"),
    });
  });

  it("that exports a class is told to export an instance", async () => {
    await expect(load({ default: class App {} })).rejects.toMatchObject({
      code: "BOOT",
      hint: expect.stringContaining("new App()"),
    });
  });
});

describe("named methods [RFC 9110 §9]", () => {
  const exports = { GET: says("got"), POST: says("posted") };

  it.each([
    ["GET", "200 got"],
    ["POST", "200 posted"],
    ["DELETE", "405 GET, HEAD, POST, OPTIONS"],
    ["PROPFIND", "405 GET, HEAD, POST, OPTIONS"],
    ["OPTIONS", "204 GET, HEAD, POST, OPTIONS"],
  ])("answer %s with %s", async (method, answer) => {
    expect(await ask(await load(exports), method)).toBe(answer);
  });

  it("answer HEAD as GET does", async () => {
    expect(await ask(await load(exports), "HEAD")).toBe("200 got");
  });

  it("answer HEAD and OPTIONS themselves where they are exported", async () => {
    const app = await load({ ...exports, HEAD: says("head"), OPTIONS: says("options") });
    expect([await ask(app, "HEAD"), await ask(app, "OPTIONS")]).toEqual(["200 head", "200 options"]);
  });

  it("do not find what every object inherits", async () => {
    expect(await ask(await load({ GET: says("x") }), "CONSTRUCTOR")).toMatch(/^405/);
  });
});

describe("init and dispose", () => {
  it.each([
    ["named exports", (methods: object) => ({ ...methods, fetch: says("x") })],
    ["methods of the default object", (methods: object) => ({ default: { ...methods, fetch: says("x") } })],
  ])("may be %s", async (_where, exports) => {
    const calls: unknown[] = [];
    const app = await load(
      exports({
        async init(worker: InitContext) {
          calls.push(worker.pool);
          return "state";
        },
        async dispose(state: unknown) {
          calls.push(state);
        },
      }),
    );
    expect([app.state, calls]).toEqual(["state", ["www"]]);
    await app.dispose();
    expect(calls).toEqual(["www", "state"]);
  });

  it.each([Symbol.asyncDispose, Symbol.dispose])("without dispose, the state's own %p is called", async (symbol) => {
    let disposed = 0;
    const state = {
      [symbol]: () => {
        disposed += 1;
      },
    };
    const app = await load({ init: () => state, fetch: says("x") });
    await app.dispose();
    expect(disposed).toBe(1);
  });

  it("with dispose, the state is left to it", async () => {
    let disposed = 0;
    const state = {
      [Symbol.asyncDispose]: () => {
        disposed += 1;
      },
    };
    await (await load({ init: () => state, dispose() {}, fetch: says("x") })).dispose();
    expect(disposed).toBe(0);
  });

  it("fail with what the author threw", async () => {
    await expect(load({ init: () => Promise.reject(new Error("no database")), fetch: says("x") })).rejects.toThrow(
      "no database",
    );
    const app = await load({
      dispose: () => {
        throw new Error("stuck");
      },
      fetch: says("x"),
    });
    await expect(app.dispose()).rejects.toThrow("stuck");
  });

  it("are not called for a module without a handler", async () => {
    let called = false;
    await expect(
      load({
        init: () => {
          called = true;
        },
      }),
    ).rejects.toMatchObject({ code: "BOOT" });
    expect(called).toBe(false);
  });
});

describe("the other roles of FastCGI [FCGI §6]", () => {
  it("go to authorize and filter where they are exported, else to fetch", async () => {
    const all = await load({ fetch: says("f"), authorize: says("a"), filter: says("i") });
    expect([await ask(all, "GET", "authorizer"), await ask(all, "GET", "filter"), await ask(all)]).toEqual([
      "200 a",
      "200 i",
      "200 f",
    ]);
    const one = await load({ fetch: says("f") });
    expect([await ask(one, "GET", "authorizer"), await ask(one, "GET", "filter")]).toEqual(["200 f", "200 f"]);
  });

  it("are Fault HANDLER where the module has nothing for them", async () => {
    const app = await load({ default: { authorize: says("a") } });
    expect(await ask(app, "GET", "authorizer")).toBe("200 a");
    await expect(ask(app)).rejects.toMatchObject({ code: "HANDLER" });
  });
});

describe("kinds of apps", () => {
  it("are known by name", () => {
    for (const name of ["auto", "fetch", "node", "publisher"]) expect(kindNamed(name)).toBeInstanceOf(Function);
    for (const name of ["nonsense", "constructor", "__proto__"]) {
      expect(() => kindNamed(name)).toThrow(expect.objectContaining({ code: "BOOT" }));
    }
  });

  it("named fetch are web-standard and nothing else", async () => {
    expect(await ask(await kindNamed("fetch")({ default: says("x") }, init))).toBe("200 x");
    await expect(kindNamed("fetch")({ node: says("x") }, init)).rejects.toMatchObject({ code: "BOOT" });
  });
});

describe("a handler of the draft Fetch Server API [github.com/jasnell/proposal-fetch-server]", () => {
  const marked = { [Symbol.for("wintertc.server.protocol")]: 1 };
  const context = {
    remoteAddress: { address: "2001:db8::1", port: 5 },
    env: { SERVER_ADDR: "192.0.2.2", SERVER_PORT: "443", SSL_TLS_SNI: "a.test", SERVER_PROTOCOL: "HTTP/2.0" },
    waitUntil() {},
  } as unknown as Context;
  const answered = async (methods: Record<string, unknown>): Promise<Response> =>
    (await (
      await load({ default: { ...marked, ...methods } })
    ).respond("responder", new Request("https://a.test/"), context)) as Response;

  it("gets one argument that knows the connection", async () => {
    const response = await answered({
      fetch(...args: [Record<string, unknown> & { request: Request }]) {
        const [{ request, remoteAddress, localAddress, alpnProtocol, encrypted, serverName, completed }] = args;
        const { url } = request;
        return Response.json({
          count: args.length,
          ...{ url, remoteAddress, localAddress, alpnProtocol, encrypted, serverName, completed },
        });
      },
    });
    expect(await response.json()).toEqual({
      count: 1,
      url: "https://a.test/",
      remoteAddress: { address: "2001:db8::1", port: 5, family: "IPv6" },
      localAddress: { address: "192.0.2.2", port: 443, family: "IPv4" },
      alpnProtocol: "h2",
      encrypted: true,
      serverName: "a.test",
      completed: null,
    });
  });

  it("may decline, and has a handler of its own errors", async () => {
    const denied = await answered({ fetch: (ctx: { deny(): void }) => ctx.deny() });
    expect(denied.status).toBe(503);
    const mended = await answered({
      fetch: () => Promise.reject(new Error("a")),
      error: (_ctx: unknown, error: Error) => new Response(error.message, { status: 500 }),
    });
    expect(await mended.text()).toBe("a");
    await expect(answered({ fetch: () => Promise.reject(new Error("b")), error() {} })).rejects.toThrow("b");
  });

  it("is refused what FastCGI has no way for", async () => {
    const early = answered({ fetch: (ctx: { sendInformational(status: number): void }) => ctx.sendInformational(103) });
    await expect(early).rejects.toMatchObject({ name: "NotSupportedError" });
  });
});

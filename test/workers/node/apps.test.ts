// What a module is that speaks Node's language, and how it is started and ended.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createTlsServer } from "node:https";
import { createServer as createNetServer } from "node:net";
import type { InitContext } from "../../../src/app/context.ts";
import { nodeHandler } from "../../../src/app/node-handler.ts";
import { RequestContext } from "../../../workers/context.ts";
import type { App, Place } from "../../../workers/kinds/app.ts";
import { kindNamed } from "../../../workers/kinds/index.ts";
import { followFastify } from "../../../workers/node/fastify.ts";
import { type ProcessLike, stopProgram } from "../../../workers/node/stopping.ts";
import { targetOf } from "../../../workers/node/target.ts";
import { importing, interceptListening, Program } from "../../../workers/program.ts";
import { FakeExchange, type FakeExchangeOptions } from "../../support/fake-exchange.ts";

const INIT: InitContext = {
  id: 1,
  generation: 2,
  pool: "www",
  file: "/srv/app.ts",
  env: {},
  log: { error() {}, warn() {}, info() {}, debug() {} },
};
const ALL: Place = { method: "GET", mount: "", corrections: undefined };

// Their types are not installed, or need those of the browser.
const { default: express } = (await import("express" as string)) as { default: () => Express };
const { default: Koa } = (await import("koa" as string)) as { default: new () => KoaApp };
const { default: Fastify } = (await import("fastify" as string)) as { default: () => FastifyApp };

type Listener = (req: IncomingMessage, res: ServerResponse) => unknown;
interface Express {
  get(path: string, listener: Listener): void;
  listen(port: number, listener?: () => void): Server;
}
interface KoaApp {
  use(middleware: (ctx: { body: unknown; url: string }) => void): void;
}
interface FastifyApp {
  get(path: string, handler: () => unknown): void;
  addHook(name: string, hook: () => Promise<void>): void;
  listen(options: object): Promise<string>;
  readonly server: Server;
}

const says =
  (text: string): Listener =>
  (req, res) =>
    res.end(`${text} ${req.url}`);

function load(kind: string, exports: Record<string, unknown>, program?: Program): Promise<App> {
  return kindNamed(kind)(exports, INIT, program);
}

async function ask(app: App, options: FakeExchangeOptions = {}, place = ALL): Promise<FakeExchange> {
  const exchange = new FakeExchange(options);
  const ctx = new RequestContext({ exchange } as unknown as ConstructorParameters<typeof RequestContext>[0]);
  if (app.answer === undefined) throw new Error("this is no Node app");
  await app.answer(exchange, ctx, place);
  await exchange.answered;
  return exchange;
}

function expressApp(text: string): Express {
  const app = express();
  app.get("/x", says(text));
  return app;
}

function koaApp(text: string): KoaApp {
  const app = new Koa();
  app.use((ctx) => {
    ctx.body = `${text} ${ctx.url}`;
  });
  return app;
}

function fastifyApp(text: string): FastifyApp {
  const app = Fastify();
  app.get("/x", async () => `${text} /x`);
  return app;
}

/** As much of Nest as is looked at. */
function nestApp(text: string): object {
  let inner: unknown;
  return {
    listen() {},
    async init() {
      inner = expressApp(text);
    },
    getHttpAdapter: () => ({ getInstance: () => inner }),
    async close() {},
  };
}

describe("a Node app", () => {
  it.each<[string, string, () => Record<string, unknown>]>([
    ["auto", "an Express app", () => ({ default: expressApp("a") })],
    ["auto", "a Koa app", () => ({ default: koaApp("a") })],
    ["auto", "a Fastify app", () => ({ default: fastifyApp("a") })],
    ["auto", "a Nest app", () => ({ default: nestApp("a") })],
    ["auto", "an http.Server", () => ({ default: createServer(says("a")) })],
    ["auto", "a compiled CommonJS module", () => ({ default: { __esModule: true, default: expressApp("a") } })],
    ["auto", "a listener named node", () => ({ node: says("a") })],
    ["auto", "an app named node", () => ({ node: koaApp("a") })],
    ["auto", "nodeHandler(listener)", () => ({ default: nodeHandler(says("a")) })],
    ["node", "a default function", () => ({ default: says("a") })],
    ["node", "an Express app", () => ({ default: expressApp("a") })],
    ["node", "a module that has fetch too", () => ({ default: says("a"), fetch: () => new Response("b") })],
  ])("of kind %s may be %s", async (kind, _what, exports) => {
    const app = await load(kind, exports());
    expect((await ask(app, { url: "/x" })).text).toBe("a /x");
    await app.dispose();
  });

  it("is looked for after what is web-standard, and before a bare function", async () => {
    for (const exports of [
      { default: Object.assign(says("no"), { handle() {}, fetch: () => new Response("web") }) },
      { GET: () => new Response("web"), default: expressApp("no") },
    ]) {
      const app = await load("auto", exports);
      const response = app.respond("responder", new Request("http://a.test/"), {} as never);
      expect(await (response as Response).text()).toBe("web");
    }
    expect((await ask(await load("auto", { default: () => {}, node: says("a") }))).text).toBe("a /");
  });

  it.each([
    ["auto", {}],
    ["auto", { default: {} }],
    ["node", {}],
    ["node", { default: { listen() {} } }],
    ["node", { fetch: () => {} }],
  ])("of kind %s that is none is Fault BOOT which says what was looked for", async (kind, exports) => {
    await expect(load(kind, exports, new Program())).rejects.toMatchObject({
      code: "BOOT",
      hint: expect.stringMatching(/Express.*Fastify.*listen\(\)/),
    });
  });

  it("has init and dispose by their names only: frameworks have methods of these names too", async () => {
    const calls: unknown[] = [];
    const app = await load("auto", {
      default: Object.assign(expressApp("a"), { init: () => calls.push("not this"), dispose: () => calls.push("nor") }),
      init: async ({ pool }: InitContext) => {
        calls.push(pool);
        return "state";
      },
      dispose: (state: unknown) => {
        calls.push(state);
      },
    });
    expect([app.state, calls]).toEqual(["state", ["www"]]);
    await app.dispose();
    expect(calls).toEqual(["www", "state"]);
  });

  it("of Fastify and of Nest is closed when it is disposed", async () => {
    const closed: string[] = [];
    const fastify = fastifyApp("a");
    fastify.addHook("onClose", async () => {
      closed.push("fastify");
    });
    const nest = Object.assign(nestApp("a"), {
      close: async () => {
        closed.push("nest");
      },
    });
    for (const exports of [{ default: fastify }, { default: nest }]) await (await load("auto", exports)).dispose();
    expect(closed).toEqual(["fastify", "nest"]);
  });

  it("refuses to be asked for a Response", async () => {
    const app = await load("auto", { node: says("a") });
    expect(() => app.respond("responder", new Request("http://a.test/"), {} as never)).toThrow(
      expect.objectContaining({ code: "HANDLER" }),
    );
  });
});

describe("a program that listens", () => {
  const lines: string[] = [];
  let restore: () => void;
  beforeAll(() => {
    restore = interceptListening((level, message) => lines.push(`${level} ${message}`));
    followFastify();
  });
  beforeEach(() => lines.splice(0));
  afterAll(() => restore());

  const run = async (start: () => unknown, waitMs = 0): Promise<Program> => {
    const program = new Program(waitMs);
    await importing.run(program, async () => start());
    return program;
  };

  it.each<[string, (server: Server, listening: () => void) => unknown, unknown]>([
    ["a port", (server, listening) => server.listen(3000, listening), { address: "::", family: "IPv6", port: 3000 }],
    ["a port as text", (server, listening) => server.listen("3000", listening), { port: 3000 }],
    [
      "port and host",
      (server, listening) => server.listen(3000, "127.0.0.1", listening),
      { address: "127.0.0.1", family: "IPv4", port: 3000 },
    ],
    ["options", (server, listening) => server.listen({ port: 3000, host: "::1" }, listening), { address: "::1" }],
    ["nothing", (server, listening) => server.listen(listening), { port: 0 }],
    ["a socket's path", (server, listening) => server.listen("/run/app.sock", listening), "/run/app.sock"],
  ])("on %s opens nothing, is told that it does, and answers", async (_what, listen, address) => {
    const events: unknown[] = [];
    const server = createServer(says("a"));
    const program = await run(() => {
      server.on("listening", () => events.push("event"));
      listen(server, () => events.push("callback"));
      events.push("returned");
    });
    await new Promise(setImmediate);
    expect([events.sort(), server.listening]).toEqual([["callback", "event", "returned"], true]);
    if (typeof address === "string") expect(server.address()).toBe(address);
    else expect(server.address()).toMatchObject(address as object);
    const app = await load("auto", {}, program);
    expect((await ask(app, { url: "/x?y" })).text).toBe("a /x?y");
    let closed = 0;
    server.on("close", () => {
      closed += 1;
    });
    await app.dispose();
    expect([closed, server.listening]).toEqual([1, false]);
  });

  it("with Express, or Fastify at the top level, is answered by it", async () => {
    const withExpress = await run(() => expressApp("a").listen(3000));
    expect((await ask(await load("auto", {}, withExpress), { url: "/x" })).text).toBe("a /x");

    const closed: string[] = [];
    const fastify = fastifyApp("b");
    fastify.addHook("onClose", async () => {
      closed.push("hook");
    });
    const withFastify = await run(() => fastify.listen({ port: 3000 }));
    const app = await load("auto", {}, withFastify);
    expect((await ask(app, { url: "/x" })).text).toBe("b /x");
    await app.dispose();
    expect(closed).toEqual(["hook"]);
  });

  it("may take its time, where it may", async () => {
    const program = await run(() => setImmediate(() => createServer(says("late")).listen(1)), 10_000);
    expect((await ask(await load("auto", {}, program))).text).toBe("late /");
    const never = await run(() => {}, 5);
    await expect(load("auto", {}, never)).rejects.toMatchObject({ code: "BOOT" });
  });

  it("of kind node is answered too", async () => {
    const program = await run(() => createServer(says("a")).listen(1));
    expect((await ask(await load("node", {}, program))).text).toBe("a /");
  });

  it("that exports an app is answered by what it exports", async () => {
    const program = await run(() => createServer(says("listens")).listen(1));
    expect((await ask(await load("auto", { node: says("exports") }, program))).text).toBe("exports /");
  });

  it("answers with its first server, and says so of another, but not of the same port at another address", async () => {
    const program = await run(() => {
      createServer(says("first")).listen(3000, "127.0.0.1");
      createServer(says("again")).listen(3000, "::1");
      createServer(says("metrics")).listen(9090);
    });
    expect((await ask(await load("auto", {}, program))).text).toBe("first /");
    expect(lines.filter((line) => line.startsWith("warn"))).toEqual([
      "warn a second server calls listen(9090): only the first one of a program is reached",
    ]);
  });

  it.each([
    ["https", () => createTlsServer({}).listen(0)],
    ["http2", () => createHttp2Server().listen(0)],
  ])("with node:%s is refused, and told what to do", (_name, listen) => {
    expect(listen).toThrow(expect.objectContaining({ code: "BOOT", hint: expect.stringContaining("createServer") }));
  });

  it("leaves servers alone that do not speak HTTP", async () => {
    const server = createNetServer();
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    expect((server.address() as { port: number }).port).toBeGreaterThan(0);
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  it("does not listen twice, and may listen again when it has closed", async () => {
    const server = createServer(says("a"));
    server.listen(1);
    expect(() => server.listen(2)).toThrow(expect.objectContaining({ code: "ERR_SERVER_ALREADY_LISTEN" }));
    await new Promise((resolve) => {
      server.close(resolve);
    });
    server.listen(2);
    expect(server.address()).toMatchObject({ port: 2 });
    server.close();
  });

  it("decides about a body that is announced, where it listens for that", async () => {
    const program = await run(() => {
      const server = createServer(says("request"));
      server.on("checkContinue", (_req, res: ServerResponse) => {
        res.writeContinue();
        res.end("checked");
      });
      server.listen(1);
    });
    const app = await load("auto", {}, program);
    expect((await ask(app, { headers: { expect: "100-continue" } })).text).toBe("checked");
    expect((await ask(app)).text).toBe("request /");
  });
});

describe("a program is stopped", () => {
  function fakeProcess(...listeners: (() => unknown)[]): ProcessLike & { killed: unknown[] } {
    const killed: unknown[] = [];
    return {
      pid: 7,
      killed,
      listeners: () => listeners,
      exit: () => {
        throw new Error("the thread would end here");
      },
      kill: (pid) => {
        killed.push(pid);
        return true;
      },
    };
  }

  it("as by SIGTERM: its listeners are called once and waited for, then it is closed", async () => {
    const events: string[] = [];
    const process = fakeProcess(async () => {
      events.push("told");
      await new Promise(setImmediate);
      events.push("done");
    });
    const close = async (): Promise<void> => {
      events.push("closed");
    };
    await stopProgram(close, process);
    await stopProgram(close, process);
    expect(events).toEqual(["told", "done", "closed", "closed"]);
  });

  it.each<[string, (process: ProcessLike) => unknown]>([
    ["process.exit", (process) => process.exit(0)],
    ["process.kill of itself", (process) => process.kill(7, "SIGTERM")],
  ])("and %s means that it has finished", async (_what, end) => {
    let process = fakeProcess();
    process = fakeProcess(async () => {
      end(process);
      await new Promise(() => {});
    });
    await stopProgram(async () => {}, process);
    expect(process.killed).toEqual([]);
    process.kill(8);
    expect(process.killed).toEqual([8]);
  });

  it("also where a listener fails, and that is told", async () => {
    let closed = false;
    const process = fakeProcess(() => {
      throw new Error("no");
    });
    const stop = stopProgram(async () => {
      closed = true;
    }, process);
    await expect(stop).rejects.toThrow("no");
    expect(closed).toBe(true);
  });
});

describe("the URL of a Node app", () => {
  const target = (url: string, mount: string, pathInfo?: string): string[] => {
    const file = pathInfo === undefined ? undefined : { scriptName: "/café", pathInfo };
    const { url: inner, originalUrl, baseUrl } = targetOf(new FakeExchange({ url }).params, mount, file);
    return [inner, baseUrl, originalUrl];
  };

  it.each([
    ["/a/b?q", "", ["/a/b?q", "", "/a/b?q"]],
    ["/shop/a?q", "/shop", ["/a?q", "/shop", "/shop/a?q"]],
    ["/shop/", "/shop", ["/", "/shop", "/shop/"]],
    ["/shop?q", "/shop", ["/?q", "/shop", "/shop?q"]],
    ["/shopping", "/shop", ["/shopping", "", "/shopping"]],
  ])("%s mounted at %j is without the mount", (url, mount, wanted) => {
    expect(target(url, mount)).toEqual(wanted);
  });

  it.each([
    ["/shop", "", ["/", "/shop", "/shop"]],
    ["/shop/", "/", ["/", "/shop", "/shop/"]],
    ["/", "", ["/", "", "/"]],
    ["/a/", "", ["/", "/a", "/a/"]],
    ["/shop/caf%C3%A9/x%20y?q", "/café/x y", ["/caf%C3%A9/x%20y?q", "/shop", "/shop/caf%C3%A9/x%20y?q"]],
    ["/a/a/a", "/a", ["/a", "/a/a", "/a/a/a"]],
    ["/x%FF/a", "/a", ["/a", "/x%FF", "/x%FF/a"]],
    ["/caf%C3%A9/other", "/what it was before", ["/other", "/caf%C3%A9", "/caf%C3%A9/other"]],
    ["/elsewhere", "/what it was before", ["/elsewhere", "", "/elsewhere"]],
  ])("%s whose path info is %j begins there", (url, pathInfo, wanted) => {
    expect(target(url, "", pathInfo)).toEqual(wanted);
  });
});

import { RequestContext } from "../../workers/context.ts";
import { lazyKeys } from "../../workers/keys.ts";
import { lazyRequest } from "../../workers/request.ts";
import { FakeExchange, type FakeExchangeOptions } from "../support/fake-exchange.ts";
import { FORM_LIMITS } from "../support/form-limits.ts";

function contextOf(options: FakeExchangeOptions = {}, corrections?: Record<string, string>) {
  const exchange = new FakeExchange(options);
  const waiting: unknown[] = [];
  const ctx = new RequestContext({
    exchange,
    request: lazyRequest(exchange, FORM_LIMITS),
    form: FORM_LIMITS,
    state: { db: 1 },
    worker: { id: 3, generation: 2, requests: 7 },
    corrections,
    keys: lazyKeys([]),
    waitUntil: (promise, of) => waiting.push([promise, of]),
  });
  return { ctx, exchange, waiting };
}

describe("a handler's context", () => {
  it("has the worker's state and numbers", () => {
    const { ctx } = contextOf();
    expect([ctx.state, ctx.worker]).toEqual([{ db: 1 }, { id: 3, generation: 2, requests: 7 }]);
  });

  it("has the exchange's signal and hands it what to wait for", () => {
    const { ctx, exchange, waiting } = contextOf();
    const promise = Promise.resolve();
    ctx.waitUntil(promise);
    expect([ctx.signal, waiting]).toEqual([exchange.signal, [[promise, exchange]]]);
  });

  it("logs beside its request", () => {
    const { ctx, exchange } = contextOf();
    ctx.log.warn("slow", { ms: 5 });
    ctx.log.error("bad");
    expect(exchange.lines).toEqual([
      { level: "warn", message: "slow", fields: { ms: 5 } },
      { level: "error", message: "bad", fields: undefined },
    ]);
  });

  it("tells the peer that the web server saw, not what a header claims", () => {
    const { ctx } = contextOf({ headers: { "x-forwarded-for": "203.0.113.9" } });
    expect(ctx.remoteAddress).toEqual({ address: "192.0.2.1", port: 50_000 });
  });
});

describe("ctx.earlyHints", () => {
  it.each([
    [{ link: "</a.css>; rel=preload" }, "object"],
    [["</a.css>; rel=preload"], "object"],
    [undefined, "undefined"],
    [3, "number"],
  ])("refuses %j, which is no text of a Link header, and says what is", (given, what) => {
    const { ctx } = contextOf();
    const hints = ctx.earlyHints.bind(ctx) as (...links: readonly unknown[]) => void;
    expect(() => hints("</b.css>; rel=preload", given)).toThrow(
      new TypeError(
        `ctx.earlyHints takes texts such as "</app.css>; rel=preload; as=style", each an argument of its own, not ${what}`,
      ),
    );
  });
});

describe("ctx.env [RFC 3875 §4.1]", () => {
  it("has the meta-variables as UTF-8, with what the resolution of the file corrected", () => {
    const { ctx } = contextOf(
      { url: "/é?q=1", variables: { PATH_INFO: "/é😀", SCRIPT_NAME: "/hello/x" } },
      { SCRIPT_NAME: "/hello" },
    );
    expect(ctx.env).toBe(ctx.env);
    expect([ctx.env.PATH_INFO, ctx.env.SCRIPT_NAME, ctx.env.SERVER_NAME]).toEqual(["/é😀", "/hello", "site.test"]);
  });

  it("has no names but the request's, and cannot be changed", () => {
    const { ctx } = contextOf({ variables: { __proto__x: "1", ["__proto__"]: "2", constructor: "3" } });
    const env = ctx.env as Record<string, string>;
    expect(Object.getPrototypeOf(env)).toBeNull();
    expect([env.toString, env.constructor]).toEqual([undefined, "3"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(() => {
      env.ADDED = "x";
    }).toThrow(TypeError);
  });

  it("lacks HTTP_PROXY [CVE-2016-5385], and never becomes the process's", () => {
    const { ctx } = contextOf({ headers: { proxy: "http://evil.test" } });
    expect([ctx.env.HTTP_PROXY, process.env.SCRIPT_NAME]).toEqual([undefined, undefined]);
  });
});

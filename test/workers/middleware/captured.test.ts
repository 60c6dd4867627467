// Middleware around apps that answer by themselves.

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { nodeHandler } from "../../../src/index.ts";
import { installRequest } from "../../../workers/request.ts";
import { installResponse } from "../../../workers/response.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeExchange } from "../../support/fake-exchange.ts";
import { type SiteHost, siteHost } from "../../support/site-host.ts";
import { tempDirs } from "../../support/temp-dir.ts";

installRequest();
installResponse();

const newDir = tempDirs();

type Wrap = (request: Request, ctx: unknown, next: (request?: Request) => Promise<Response>) => unknown;

const passes: Wrap = async (_request, _ctx, next) => {
  const response = await next();
  response.headers.set("x-wrapped", "yes");
  return response;
};

function surrounded(
  listener: (req: IncomingMessage, res: ServerResponse) => unknown,
  wrap: Wrap = passes,
  more: Record<string, unknown> = {},
): Promise<SiteHost> {
  return siteHost(newDir(), {
    "_middleware.ts": { default: { wrap, ...more } },
    "x.ts": { default: nodeHandler(listener) },
  });
}

describe("a Node app in a folder with middleware", () => {
  it("is wrapped like any other content", async () => {
    const { ask } = await surrounded(async (req, res) => {
      let body = "";
      for await (const piece of req) body += piece;
      res.writeHead(201, { "Content-Type": "text/x", "Set-Cookie": ["a=1", "b=2"] }).end(`${req.method} ${body}`);
    });
    const reply = await ask({ url: "/x", method: "POST", body: "sent", headers: { "content-length": "4" } });
    expect([reply.status, reply.text, reply.header("x-wrapped"), reply.header("content-type")]).toEqual([
      201,
      "POST sent",
      "yes",
      "text/x",
    ]);
    expect(reply.headers.filter(([name]) => name === "set-cookie").map(([, value]) => value)).toEqual(["a=1", "b=2"]);
  });

  it("is refused before it runs", async () => {
    let ran = false;
    const { get } = await surrounded(
      () => {
        ran = true;
      },
      passes,
      { access: () => new Response("no", { status: 403 }) },
    );
    expect([(await get("/x")).status, ran]).toEqual([403, false]);
  });

  it("streams at the pace of whoever reads, through filters too", async () => {
    const piece = Buffer.alloc(50_000, "a");
    let written = 0;
    const { host } = await surrounded(
      async (_req, res) => {
        for (let n = 0; n < 40; n += 1) {
          written += piece.length;
          if (!res.write(piece)) await once(res, "drain");
        }
        res.end("end");
      },
      passes,
      {
        filterResponse: () =>
          new TransformStream({ transform: (bytes, out) => out.enqueue(Buffer.from(bytes).fill("b")) }),
      },
    );
    const exchange = new FakeExchange({ url: "/x", windowBytes: 100_000 });
    host.handle(exchange);
    await eventually(() => exchange.bytes.length >= 100_000);
    await delay(20);
    expect(written).toBeLessThan(1_500_000);
    exchange.drained(Number.POSITIVE_INFINITY);
    await exchange.answered;
    expect([exchange.bytes.length, exchange.bytes.includes("a"), exchange.ended]).toEqual([2_000_003, false, true]);
  });

  it("answers HEAD, and 204 and 304, without a body", async () => {
    const { ask } = await surrounded((req, res) => {
      if (req.url?.includes("empty")) res.writeHead(204).end();
      else res.setHeader("Content-Length", 5).end("12345");
    });
    const head = await ask({ url: "/x", method: "HEAD" });
    expect([head.status, head.text, head.header("content-length")]).toEqual([200, "", "5"]);
    expect((await ask({ url: "/x?empty" })).status).toBe(204);
  });

  it("that throws is a 500, which wrap may make something of", async () => {
    const fails = () => {
      throw new Error("broken");
    };
    expect((await (await surrounded(fails)).get("/x")).status).toBe(500);
    const rescued = await surrounded(fails, async (_request, _ctx, next) =>
      next().catch((error: Error) => new Response(error.message)),
    );
    expect((await rescued.get("/x")).text).toBe("broken");
  });

  it("that fails in mid-body cuts the reply", async () => {
    const seen = Promise.withResolvers<void>();
    const { host } = await surrounded(async (_req, res) => {
      res.write("part");
      await seen.promise;
      throw new Error("in the middle");
    });
    const exchange = new FakeExchange({ url: "/x" });
    host.handle(exchange);
    await eventually(() => exchange.text === "part");
    seen.resolve();
    await exchange.answered;
    expect([exchange.text, exchange.failure?.message, exchange.ended]).toEqual([
      "part",
      expect.stringContaining("in the middle"),
      false,
    ]);
  });

  it("whose answer is dropped learns that nobody wants it", async () => {
    let finished = false;
    const { get } = await surrounded(
      async (_req, res) => {
        res.on("close", () => {
          finished = !res.writableFinished;
        });
        for (let n = 0; n < 10; n += 1) if (!res.write(Buffer.alloc(50_000))) await once(res, "drain");
        res.end();
      },
      async (_request, _ctx, next) => {
        await next();
        return new Response("instead");
      },
    );
    expect((await get("/x")).text).toBe("instead");
    await eventually(() => finished);
  });

  it("gets the headers of a reply's hooks once", async () => {
    const { get } = await surrounded(
      (_req, res) => res.end("x"),
      async (_request, ctx, next) => {
        (ctx as { beforeReply(hook: (reply: { headers: Headers }) => void): void }).beforeReply(({ headers }) =>
          headers.append("x-hook", "once"),
        );
        return next();
      },
    );
    expect((await get("/x")).headers.filter(([name]) => name === "x-hook")).toEqual([["x-hook", "once"]]);
  });

  it("sees the request that it is given", async () => {
    const { ask } = await surrounded(
      async (req, res) => {
        let body = "";
        for await (const piece of req) body += piece;
        res.end(`${req.headers["x-added"]} ${body}`);
      },
      async (request, _ctx, next) => {
        const headers = new Headers(request.headers);
        headers.set("x-added", "yes");
        headers.delete("content-length");
        return next(new Request(request, { headers, body: `${await request.text()}!`, method: "POST" }));
      },
    );
    const headers = { "content-length": "4" };
    expect((await ask({ url: "/x", method: "POST", body: "sent", headers })).text).toBe("yes sent!");
  });
});

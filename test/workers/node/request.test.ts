import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { Fault } from "../../../src/base/fault.ts";
import { currentExchange } from "../../../workers/output.ts";
import { eventually } from "../../support/eventually.ts";
import type { FakeExchangeOptions } from "../../support/fake-exchange.ts";
import { answer, begin } from "./listener.ts";

async function textOf(req: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of req) text += String(piece);
  return text;
}

async function seen(look: (req: IncomingMessage) => unknown, options?: FakeExchangeOptions): Promise<unknown> {
  const { text } = await answer(async (req, res) => res.end(JSON.stringify(await look(req))), options);
  return JSON.parse(text);
}

describe("the request of a Node app [node:http IncomingMessage]", () => {
  it("has method, URL and headers, and knows several ways to look at them", async () => {
    const look = (req: IncomingMessage): unknown => ({
      line: [req.method, req.url, req.httpVersion, req.httpVersionMajor, req.httpVersionMinor],
      headers: req.headers,
      distinct: req.headersDistinct["x-a"],
      raw: req.rawHeaders.slice(0, 2),
    });
    expect(
      await seen(look, { method: "DELETE", url: "/a%20b/?q=1&q=2", headers: { "X-A": "1, 2", cookie: "a=1; b=2" } }),
    ).toEqual({
      line: ["DELETE", "/a%20b/?q=1&q=2", "1.1", 1, 1],
      headers: { host: "site.test", "x-a": "1, 2", cookie: "a=1; b=2" },
      distinct: ["1, 2"],
      raw: ["host", "site.test"],
    });
  });

  it.each([
    ["HTTP/1.0", "1.0"],
    ["HTTP/1.1", "1.1"],
    ["HTTP/2.0", "1.1"],
    ["INCLUDED", "1.1"],
  ])("of protocol %s says %s", async (protocol, version) => {
    expect(await seen((req) => req.httpVersion, { variables: { SERVER_PROTOCOL: protocol } })).toBe(version);
  });

  it("takes the client's side of the connection for its socket", async () => {
    const look = ({ socket }: IncomingMessage): unknown => [
      socket.remoteAddress,
      socket.remotePort,
      socket.remoteFamily,
      socket.localAddress,
      socket.localPort,
      "encrypted" in socket && socket.encrypted,
      socket.readable,
      socket.writable,
      socket.destroyed,
    ];
    expect(await seen(look, { variables: { SERVER_ADDR: "2001:db8::1", HTTPS: "on" } })).toEqual([
      "192.0.2.1",
      50_000,
      "IPv4",
      "2001:db8::1",
      80,
      true,
      true,
      true,
      false,
    ]);
    expect(await seen(({ socket }) => (socket as { encrypted?: unknown }).encrypted === undefined)).toBe(true);
  });

  it("never writes what an app writes to that socket", async () => {
    const exchange = await answer((req) => req.socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
    expect(exchange.status).toBe(500);
  });

  it("runs in its own exchange, also in events and after waiting", async () => {
    const { exchange, done } = begin(
      (req, res, exchange) => {
        const stores: unknown[] = [currentExchange.getStore()];
        req.on("data", () => stores.push(currentExchange.getStore()));
        req.on("end", () => stores.push(currentExchange.getStore()));
        res.on("close", () => stores.push(currentExchange.getStore()));
        req.on("end", () => {
          res.end(String(stores.every((store) => store === exchange)));
        });
      },
      { method: "POST", pieces: ["a", "b"] },
    );
    await done;
    expect(exchange.text).toBe("true");
  });
});

describe("its body", () => {
  it.each<[string, FakeExchangeOptions, Record<string, string>]>([
    ["that is here, of a length that was not told", { body: "hello" }, { "content-length": "5" }],
    ["that arrives, of a length that was not told", { pieces: ["he", "llo"] }, { "transfer-encoding": "chunked" }],
    [
      "that was sent in chunks",
      { body: "hello", headers: { "transfer-encoding": "chunked" } },
      { "content-length": "5" },
    ],
    ["that says its length", { pieces: ["hello"], headers: { "content-length": "5" } }, { "content-length": "5" }],
  ])("%s is read, and its headers say that there is one", async (_what, options, headers) => {
    const look = async (req: IncomingMessage): Promise<unknown> => [
      await textOf(req),
      req.complete,
      Object.fromEntries(Object.entries(req.headers).filter(([name]) => name !== "host")),
    ];
    expect(await seen(look, { method: "POST", ...options })).toEqual(["hello", true, headers]);
  });

  it("of GET is empty without being asked for", async () => {
    const { exchange, done } = begin(
      async (req, res) => {
        const { complete } = req;
        res.end(JSON.stringify([complete, await textOf(req)]));
      },
      { pieces: ["not looked at"] },
    );
    await done;
    expect([exchange.text, exchange.body.reads]).toEqual(['[true,""]', 0]);
  });

  it("is taken only as the app reads it", async () => {
    const pieces = Array.from({ length: 50 }, () => "x".repeat(64 * 1024));
    const { exchange, done } = begin(
      async (req, res, exchange) => {
        for await (const piece of req) {
          expect(piece).toHaveLength(64 * 1024);
          break;
        }
        res.end(String(exchange.body.reads));
      },
      { method: "POST", pieces, headers: { "content-length": String(50 * 64 * 1024) } },
    );
    await done;
    expect(exchange.status === 500 || Number(exchange.text) < 5).toBe(true);
    expect(exchange.body.reads).toBeLessThan(5);
  });

  it("is read to its end before the reply ends, because the web server drops the rest then", async () => {
    const { exchange, done } = begin(
      (req, res, exchange) => {
        let bytes = 0;
        req.on("data", (piece: Buffer) => {
          bytes += piece.length;
        });
        req.on("end", () => exchange.log("info", String(bytes)));
        res.end("thanks");
      },
      { method: "PUT", pieces: Array.from({ length: 20 }, () => "x".repeat(1000)) },
    );
    await done;
    expect([exchange.text, exchange.ended, exchange.lines[0]?.message]).toEqual(["thanks", true, "20000"]);
  });

  it("that nobody reads costs nothing, and keeps nobody waiting", async () => {
    const events: string[] = [];
    const { exchange, done, atOnce } = begin(
      (req, res) => {
        req.on("close", () => events.push("close"));
        res.end("no");
      },
      { method: "POST", pieces: ["a", "b"], headers: { "content-length": "2" } },
    );
    await done;
    await eventually(() => events.length === 1);
    expect([atOnce, exchange.text, exchange.body.reads]).toEqual([true, "no", 0]);
  });

  it.each<[string, Error, number]>([
    ["is too long", new Fault("LIMIT", "the body is longer than 10 bytes"), 413],
    ["breaks its length", new Fault("REQUEST", "the body is shorter than announced"), 400],
  ])("that %s fails the request with its own status", async (_what, fault, status) => {
    const events: string[] = [];
    const exchange = await answer(
      async (req, res) => {
        req.on("aborted", () => events.push("aborted"));
        await textOf(req).catch(() => events.push("rejected"));
        res.end("part");
      },
      { method: "POST", pieces: ["part", fault], headers: { "content-length": "100" } },
    );
    expect([exchange.status, exchange.text.includes("part")]).toEqual([status, false]);
    await eventually(() => events.length === 2);
  });

  it("can be piped back as it comes", async () => {
    const pieces = Array.from({ length: 30 }, (_, index) => String(index).repeat(5000));
    const exchange = await answer((req, res) => pipeline(req, res), { method: "POST", pieces });
    expect(exchange.text).toBe(pieces.join(""));
  });

  it("of a client that leaves in mid-body ends with an error", async () => {
    const errors: unknown[] = [];
    const { exchange, done } = begin(
      (req) => {
        req.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code, error.message));
        req.resume();
      },
      { method: "POST", pieces: ["a"], headers: { "content-length": "10" } },
    );
    exchange.abort();
    await done;
    await eventually(() => errors.length === 2);
    expect(errors).toEqual(["ECONNRESET", "aborted"]);
  });
});

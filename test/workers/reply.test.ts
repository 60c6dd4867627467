import { sendResponse } from "../../workers/reply.ts";
import { installResponse } from "../../workers/response.ts";
import { FakeExchange, type FakeExchangeOptions } from "../support/fake-exchange.ts";

const NodeResponse = globalThis.Response;
installResponse();

const encoder = new TextEncoder();

/** A body of pieces, each of which the test lets through; tells whether it was cancelled. */
function controlled(): {
  stream: ReadableStream<Uint8Array>;
  push(text: string): void;
  end(): void;
  fail(error: Error): void;
  cancelled: Promise<unknown>;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let cancel = (_reason: unknown): void => {};
  const cancelled = new Promise<unknown>((resolve) => {
    cancel = resolve;
  });
  const stream = new ReadableStream<Uint8Array>({
    start(made) {
      controller = made;
    },
    cancel: (reason) => cancel(reason),
  });
  return {
    stream,
    push: (text) => controller?.enqueue(encoder.encode(text)),
    end: () => controller?.close(),
    fail: (error) => controller?.error(error),
    cancelled,
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function send(response: Response, options: FakeExchangeOptions = {}): Promise<FakeExchange> {
  const exchange = new FakeExchange(options);
  await sendResponse(exchange, options.method ?? "GET", response);
  return exchange;
}

describe("a Response whose body is known", () => {
  it("is sent at once, as one reply with its length", () => {
    const exchange = new FakeExchange();
    expect(sendResponse(exchange, "GET", new Response("é", { headers: { "X-A": "1" } }))).toBeUndefined();
    expect(exchange).toMatchObject({ status: 200, streamed: false, text: "é" });
    expect(exchange.headers).toEqual([
      ["x-a", "1"],
      ["content-type", "text/plain;charset=UTF-8"],
      ["content-length", "2"],
    ]);
  });

  it("keeps its status and its cookies apart", async () => {
    const exchange = await send(
      new Response(Buffer.from("x"), {
        status: 404,
        headers: [
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
        ],
      }),
    );
    expect(exchange.header("status")).toBe("404 Not Found");
    expect(exchange.headers.filter(([name]) => name === "set-cookie").map(([, value]) => value)).toEqual([
      "a=1",
      "b=2",
    ]);
  });

  it("has the length 0 where there is no body", async () => {
    const exchange = await send(new Response(null));
    expect([exchange.header("content-length"), exchange.text]).toEqual(["0", ""]);
  });

  it.each([204, 304])("has neither body nor length with %p [RFC 9110 §15]", async (status) => {
    const exchange = await send(new Response(null, { status, headers: { etag: '"1"' } }));
    expect([exchange.status, exchange.header("content-length"), exchange.header("etag"), exchange.text]).toEqual([
      status,
      undefined,
      '"1"',
      "",
    ]);
  });

  it("keeps its length and loses its body when asked by HEAD [RFC 9110 §9.3.2]", async () => {
    const exchange = await send(new Response("hello"), { method: "HEAD" });
    expect([exchange.header("content-length"), exchange.header("content-type"), exchange.text]).toEqual([
      "5",
      "text/plain;charset=UTF-8",
      "",
    ]);
  });

  it("may tell to HEAD a length without making the body", async () => {
    const exchange = await send(new Response(null, { headers: { "content-length": "99" } }), { method: "HEAD" });
    expect(exchange.header("content-length")).toBe("99");
  });

  it("is refused where it declares another length", () => {
    const response = new Response("hello", { headers: { "content-length": "6" } });
    expect(() => sendResponse(new FakeExchange(), "GET", response)).toThrow(
      expect.objectContaining({ code: "HANDLER" }),
    );
  });

  it("is refused where a header cannot be sent", () => {
    const response = new Response("x", { headers: { a: "1\r\nSet-Cookie: evil" } });
    expect(() => sendResponse(new FakeExchange(), "GET", response)).toThrow(
      expect.objectContaining({ code: "HANDLER" }),
    );
  });

  it("tells the length of a Blob", async () => {
    const exchange = await send(new Response(new Blob(["héllo"], { type: "text/x" })));
    expect([exchange.header("content-length"), exchange.header("content-type"), exchange.text]).toEqual([
      "6",
      "text/x",
      "héllo",
    ]);
  });

  it("may be native", async () => {
    const exchange = await send(new NodeResponse("hello", { status: 201 }) as Response);
    expect([exchange.status, exchange.streamed, exchange.header("content-length"), exchange.text]).toEqual([
      201,
      false,
      "5",
      "hello",
    ]);
  });
});

describe("a Response whose body comes in pieces", () => {
  it("is one reply with its length if it is complete in the same turn", async () => {
    const body = controlled();
    body.push("a");
    body.push("b");
    body.end();
    const exchange = await send(new Response(body.stream));
    expect([exchange.streamed, exchange.header("content-length"), exchange.text]).toEqual([false, "2", "ab"]);
  });

  it("sends its head when the first turn is over, even if no piece has come", async () => {
    const body = controlled();
    const exchange = new FakeExchange();
    const sent = sendResponse(
      exchange,
      "GET",
      new Response(body.stream, { headers: { "content-type": "text/event-stream" } }),
    );
    await turn();
    await turn();
    expect([
      exchange.streamed,
      exchange.header("content-type"),
      exchange.header("content-length"),
      exchange.text,
    ]).toEqual([true, "text/event-stream", undefined, ""]);
    body.push("one");
    await turn();
    expect([exchange.text, exchange.ended]).toEqual(["one", false]);
    body.end();
    await sent;
    expect(exchange.ended).toBe(true);
  });

  it("may be text from a generator", async () => {
    async function* page(): AsyncGenerator<string> {
      yield "<p>";
      await turn();
      yield "é";
    }
    const exchange = await send(new Response(page() as never));
    expect([exchange.streamed, exchange.text]).toEqual([true, "<p>é"]);
  });

  it("waits for the web server to take what it wrote", async () => {
    let made = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        made += 1;
        yield new Uint8Array(100_000);
      }
    }
    const exchange = new FakeExchange({ windowBytes: 250_000 });
    const sent = sendResponse(exchange, "GET", new Response(endless()));
    await turn();
    await turn();
    expect(made).toBe(3);
    exchange.drained(150_000);
    await turn();
    expect(made).toBe(5);
    exchange.abort();
    await sent;
    expect(made).toBe(5);
  });

  it("is cancelled when the client has gone, also while it waits for a piece", async () => {
    const body = controlled();
    const exchange = new FakeExchange();
    const sent = sendResponse(exchange, "GET", new Response(body.stream));
    await turn();
    exchange.abort("client-gone");
    expect(await body.cancelled).toMatchObject({ message: "client-gone" });
    await sent;
    expect([exchange.failure, exchange.lines]).toEqual([undefined, []]);
  });

  it("is cancelled and answered where the client had gone before", async () => {
    const body = controlled();
    const exchange = new FakeExchange();
    exchange.abort();
    await sendResponse(exchange, "GET", new Response(body.stream));
    await body.cancelled;
    expect([exchange.ended, exchange.text]).toEqual([true, ""]);
  });

  it("is cancelled unread when asked by HEAD", async () => {
    const body = controlled();
    const exchange = await send(new Response(body.stream, { headers: { "content-length": "7" } }), { method: "HEAD" });
    await body.cancelled;
    expect([exchange.header("content-length"), exchange.text, exchange.streamed]).toEqual(["7", "", false]);
  });

  it("rejects where it fails before the head is sent", async () => {
    const body = controlled();
    body.fail(new Error("no data"));
    const exchange = new FakeExchange();
    await expect(sendResponse(exchange, "GET", new Response(body.stream))).rejects.toThrow("no data");
    expect(exchange.status).toBeUndefined();
  });

  it("cuts the connection where it fails after the head, and says so in the log", async () => {
    const body = controlled();
    const exchange = new FakeExchange();
    const sent = sendResponse(exchange, "GET", new Response(body.stream));
    body.push("half");
    await turn();
    body.fail(new Error("disk gone"));
    await sent;
    expect([exchange.text, exchange.ended, exchange.failure?.code]).toEqual(["half", false, "HANDLER"]);
    expect(exchange.lines).toEqual([
      expect.objectContaining({ level: "error", message: expect.stringContaining("disk gone") }),
    ]);
  });

  it.each([
    ["fewer", "3", undefined],
    ["more", "1", "2"],
  ])("cuts the connection where it has %s bytes than declared", async (_what, declared, _sent) => {
    async function* two(): AsyncGenerator<string> {
      await turn();
      yield "a";
      yield "b";
    }
    const response = new Response(two() as never, { headers: { "content-length": declared } });
    const exchange = await send(response);
    expect([exchange.ended, exchange.failure?.message]).toEqual([
      false,
      expect.stringContaining(`Content-Length of ${declared}`),
    ]);
  });

  it("sends a declared length before the body", async () => {
    async function* two(): AsyncGenerator<string> {
      await turn();
      yield "ab";
    }
    const exchange = await send(new Response(two() as never, { headers: { "Content-Length": "2" } }));
    expect([exchange.header("content-length"), exchange.text, exchange.ended]).toEqual(["2", "ab", true]);
  });

  it("cuts the connection where a piece is neither bytes nor text", async () => {
    async function* odd(): AsyncGenerator<unknown> {
      await turn();
      yield 5;
    }
    const exchange = await send(new Response(odd() as never));
    expect(exchange.failure?.message).toContain("not number");
  });
});

describe("an authorizer's Response [FCGI §6.3]", () => {
  it("always says its status; a 200 has no body and only Variable-* headers", async () => {
    const response = new Response("welcome", { headers: { "Variable-USER": "ann", "x-other": "1" } });
    const exchange = await send(response, { role: "authorizer" });
    expect(exchange.headers).toEqual([
      ["status", "200 OK"],
      ["variable-user", "ann"],
    ]);
    expect(exchange.text).toBe("");
  });

  it("keeps the body of a refusal", async () => {
    const exchange = await send(new Response("no", { status: 403 }), { role: "authorizer" });
    expect([exchange.header("status"), exchange.text]).toEqual(["403 Forbidden", "no"]);
  });
});

import { once } from "node:events";
import { IncomingMessage, ServerResponse } from "node:http";
import { finished, pipeline, Readable } from "node:stream";
import { eventually } from "../../support/eventually.ts";
import { answer, begin } from "./listener.ts";

const KIB = 1024;

describe("the response of a Node app [node:http ServerResponse]", () => {
  it("is Node's own, and so is the request", async () => {
    const { text } = await answer((req, res) => {
      res.end(`${req instanceof IncomingMessage} ${res instanceof ServerResponse} ${res.req === req}`);
    });
    expect(text).toBe("true true true");
  });

  it("goes at once, as one frame with its length, where the listener ends it at once", () => {
    const { exchange, atOnce } = begin((_req, res) => {
      res.setHeader("Content-Type", "text/html");
      res.end("<p>ü");
    });
    expect([atOnce, exchange.status, exchange.streamed, exchange.text]).toEqual([true, 200, false, "<p>ü"]);
    expect(exchange.headers).toEqual([
      ["content-type", "text/html"],
      ["content-length", "5"],
    ]);
  });

  it.each<[string, (res: ServerResponse) => void]>([
    [
      "setHeader and statusCode",
      (res) => {
        res.statusCode = 201;
        res.setHeader("X-A", "1");
        res.end("x");
      },
    ],
    [
      "writeHead with an object",
      (res) => {
        res.writeHead(201, { "X-A": "1" }).end("x");
      },
    ],
    [
      "writeHead with a reason and a flat list",
      (res) => {
        res.writeHead(201, "Made", ["X-A", "1"]);
        res.end("x");
      },
    ],
    [
      "writeHead over setHeader",
      (res) => {
        res.setHeader("x-a", "0");
        res.writeHead(201, { "X-A": "1" });
        res.end(Buffer.from("x"));
      },
    ],
    [
      "write and end in one turn",
      (res) => {
        res.statusCode = 201;
        res.setHeader("x-a", ["1"]);
        res.write("");
        res.end("x");
      },
    ],
  ])("takes its head from %s", async (_what, respond) => {
    const exchange = await answer((_req, res) => respond(res));
    expect([exchange.status, exchange.header("x-a"), exchange.text]).toEqual([201, "1", "x"]);
  });

  it("gathers what is written in one turn, and gives it the length that Node would not know", async () => {
    const exchange = await answer((_req, res) => {
      res.write("a");
      res.write(Buffer.from("b"));
      res.end("c", "latin1");
    });
    expect([exchange.streamed, exchange.text, exchange.header("content-length")]).toEqual([false, "abc", "3"]);
  });

  it("understands the encodings of strings", async () => {
    const exchange = await answer((_req, res) => {
      res.write("ff00", "hex");
      res.end("4pyT", "base64");
    });
    expect(exchange.bytes.toString("hex")).toBe("ff00e29c93");
  });

  it("keeps several Set-Cookie, and drops what is the web server's [RFC 9110 §7.6.1]", async () => {
    const exchange = await answer((_req, res) => {
      res.setHeader("Set-Cookie", ["a=1", "b=2"]);
      res.setHeader("Connection", "close");
      res.setHeader("Keep-Alive", "timeout=5");
      res.setHeader("Transfer-Encoding", "chunked");
      res.setHeader("Date", "now");
      res.end();
    });
    expect(exchange.headers).toEqual([
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["content-length", "0"],
    ]);
  });

  it.each([
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
  ])("to %s with %d has no body, whatever is written", async (method, status) => {
    const ends: string[] = [];
    const exchange = await answer(
      (_req, res) => {
        res.statusCode = status;
        res.setHeader("X-A", "1");
        res.write("one", () => ends.push("write"));
        res.end("two", () => ends.push("end"));
      },
      { method },
    );
    await eventually(() => ends.length === 2);
    expect([exchange.status, exchange.text, exchange.header("x-a")]).toEqual([status, "", "1"]);
  });

  it("to HEAD tells the length that GET would have", async () => {
    const exchange = await answer(
      (_req, res) => {
        res.setHeader("Content-Length", 5);
        res.end("hello");
      },
      { method: "HEAD" },
    );
    expect([exchange.header("content-length"), exchange.text]).toEqual(["5", ""]);
  });

  it("sends its head before there is a body, when asked to flush it", async () => {
    const { exchange, done } = begin(async (_req, res, exchange) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.flushHeaders();
      await eventually(() => exchange.streamed);
      res.end("data: 1\n\n");
    });
    await done;
    expect([exchange.text, exchange.ended, exchange.failure]).toEqual(["data: 1\n\n", true, undefined]);
  });

  it("streams what comes in later turns", async () => {
    const { exchange, done } = begin(async (_req, res, exchange) => {
      res.write("a");
      await eventually(() => exchange.text === "a");
      res.write("b");
      await eventually(() => exchange.text === "ab");
      res.end();
    });
    await done;
    expect([exchange.streamed, exchange.ended, exchange.text]).toEqual([true, true, "ab"]);
  });

  it("tells finish once it is handed over, then close; ended and finished from then on", async () => {
    const events: string[] = [];
    let res: ServerResponse | undefined;
    await answer((req, response) => {
      res = response;
      for (const name of ["prefinish", "finish", "close", "drain"]) response.on(name, () => events.push(name));
      req.on("close", () => events.push("req close"));
      req.on("aborted", () => events.push("aborted"));
      response.end("x", () => events.push("callback"));
      events.push(`ended ${response.writableEnded} ${response.headersSent}`);
    });
    await eventually(() => events.includes("close") && events.includes("req close"));
    // Whether `end`'s callback or 'finish' is first differs between versions of Node.
    expect([...events].sort()).toEqual(["callback", "close", "ended true true", "finish", "prefinish", "req close"]);
    expect([events[0], events.indexOf("close") > events.indexOf("finish")]).toEqual(["prefinish", true]);
    expect([res?.writableFinished, res?.destroyed, res?.socket]).toEqual([true, true, null]);
  });

  it("holds its writer back: write is false until drain, as the web server takes it", async () => {
    const { exchange, done } = begin(
      async (_req, res, exchange) => {
        res.flushHeaders();
        await eventually(() => exchange.streamed);
        const states: unknown[] = [res.write("x".repeat(10))];
        states.push(res.write("y".repeat(10)), res.writableNeedDrain, res.writableLength);
        setImmediate(() => exchange.drained(1000));
        await once(res, "drain");
        states.push(res.writableNeedDrain, res.writableLength, res.write("z"));
        res.end(JSON.stringify(states));
      },
      { windowBytes: 15 },
    );
    await done;
    expect(JSON.parse(exchange.text.slice(21))).toEqual([true, false, true, 10, false, 0, true]);
  });

  it("lets a piped stream be read no faster than the web server takes it", async () => {
    let made = 0;
    const source = new Readable({
      highWaterMark: 1,
      read() {
        made += 1;
        this.push(made > 100 ? null : Buffer.alloc(32 * KIB, made));
      },
    });
    const { exchange, done } = begin((_req, res) => source.pipe(res), { windowBytes: 3 * KIB });
    await eventually(() => exchange.bytes.length >= 3 * KIB);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(made).toBeLessThan(10);
    const feed = setInterval(() => exchange.drained(256 * KIB), 1);
    await done;
    clearInterval(feed);
    expect([exchange.bytes.length, exchange.ended]).toEqual([3200 * KIB, true]);
  });

  it("takes writes while the head waits for what is added to every reply", async () => {
    const { exchange, ctx, done } = begin(async (_req, res) => {
      await Promise.resolve();
      res.write("a");
      res.end("b");
    });
    ctx.beforeReply(async ({ status, headers }) => {
      await new Promise(setImmediate);
      headers.append("set-cookie", `s=${status}`);
    });
    await done;
    expect([exchange.header("set-cookie"), exchange.text, exchange.header("content-length")]).toEqual([
      "s=200",
      "ab",
      "2",
    ]);
  });

  it.each<[string, (res: ServerResponse) => unknown]>([
    ["an illegal name", (res) => res.writeHead(200, { "a b": "1" })],
    ["a line break", (res) => res.setHeader("a", "b\r\nc: d")],
    ["a value too long for the web server", (res) => res.writeHead(200, { a: "x".repeat(9000) })],
    ["a status that no response has", (res) => res.writeHead(700)],
    ["an undefined value", (res) => res.writeHead(200, { a: undefined })],
  ])("with %s in its head is a 500", async (_what, respond) => {
    const exchange = await answer((_req, res) => {
      respond(res);
      res.end("no");
    });
    expect([exchange.status, exchange.text.includes("no")]).toEqual([500, false]);
    expect(exchange.lines[0]?.level).toBe("error");
  });

  it("that is longer or shorter than it declares is a 500, or cut where it has begun", async () => {
    const short = await answer((_req, res) => {
      res.writeHead(200, { "content-length": 5 });
      res.end("abc");
    });
    expect(short.status).toBe(500);
    for (const last of ["", "too much"]) {
      const cut = await answer(async (_req, res) => {
        res.writeHead(200, { "content-length": 5 });
        res.write("abc");
        await new Promise(setImmediate);
        await new Promise(setImmediate);
        res.end(last);
      });
      expect([cut.status, cut.failure?.code, cut.ended]).toEqual([200, "HANDLER", false]);
    }
  });

  it("drops trailers with one warning, and informational replies without", async () => {
    const lines: string[] = [];
    for (const text of ["1", "2"]) {
      const exchange = await answer((_req, res) => {
        res.writeContinue();
        res.writeProcessing();
        res.writeEarlyHints({ link: "</a.css>; rel=preload" }, () => {
          res.write(text);
          res.addTrailers({ "x-sum": "1" });
          res.end();
        });
      });
      expect(exchange.text).toBe(text);
      lines.push(...exchange.lines.map(({ message }) => message));
    }
    expect(lines).toEqual([expect.stringContaining("trailers")]);
  });

  it("has the links of its early hints, unless it has links of its own [RFC 8297]", async () => {
    const links = async (own: Record<string, string>): Promise<string[]> => {
      const { headers } = await answer((_req, res) => {
        res.writeEarlyHints({ link: ["</a.css>; rel=preload; as=style", "</b.js>; rel=preload; as=script"] });
        res.writeHead(200, own).end("x");
      });
      return headers.filter(([name]) => name === "link").map(([, value]) => value);
    };
    expect(await links({})).toEqual(["</a.css>; rel=preload; as=style", "</b.js>; rel=preload; as=script"]);
    expect(await links({ Link: "</c.css>; rel=preload" })).toEqual(["</c.css>; rel=preload"]);
  });

  it("refuses what comes after its end, as Node does", async () => {
    let error: NodeJS.ErrnoException | null | undefined;
    const exchange = await answer((_req, res) => {
      res.on("error", () => {});
      res.end("x");
      res.write("y", (failed) => {
        error = failed;
      });
      expect(() => res.setHeader("a", "b")).toThrow(expect.objectContaining({ code: "ERR_HTTP_HEADERS_SENT" }));
    });
    await eventually(() => error !== undefined);
    expect([exchange.text, error?.code]).toEqual(["x", "ERR_STREAM_WRITE_AFTER_END"]);
  });
});

describe("a client that leaves", () => {
  it("is told to both ends: close without finish, and the pipeline calls back", async () => {
    const events: string[] = [];
    const source = new Readable({ read() {} });
    source.push("begin");
    const { exchange, done } = begin((req, res) => {
      req.on("aborted", () => events.push("aborted"));
      req.on("close", () => events.push("req close"));
      res.on("finish", () => events.push("finish"));
      res.on("close", () => events.push(`res close ${res.writableEnded} ${res.destroyed}`));
      finished(res, (error) => events.push(`finished ${(error as NodeJS.ErrnoException)?.code}`));
      pipeline(source, res, (error) => events.push(`pipeline ${error?.code}`));
    });
    await eventually(() => exchange.streamed);
    exchange.abort();
    await done;
    await eventually(() => events.length >= 5);
    expect([...events].sort()).toEqual([
      "aborted",
      "finished ERR_STREAM_PREMATURE_CLOSE",
      "pipeline ERR_STREAM_PREMATURE_CLOSE",
      "req close",
      "res close false true",
    ]);
    expect(source.destroyed).toBe(true);
    expect(exchange.lines).toEqual([]);
  });

  it("before the head frees the exchange, and what is written later goes nowhere", async () => {
    let late: (() => void) | undefined;
    const { exchange, done } = begin((_req, res) => {
      late = () => {
        res.statusCode = 200;
        res.end("late");
      };
    });
    exchange.abort();
    await done;
    late?.();
    await new Promise(setImmediate);
    expect([exchange.status, exchange.text]).toEqual([503, ""]);
  });

  it("is told to whoever waits for a write of his", async () => {
    const told: unknown[] = [];
    const { exchange, ctx, done } = begin((_req, res) => {
      res.on("finish", () => told.push("finish"));
      setImmediate(() => {
        res.write("a", (error) => told.push(error instanceof Error));
        exchange.abort();
      });
    });
    ctx.beforeReply(() => new Promise(() => {}));
    await done;
    await eventually(() => told.length > 0);
    expect([told, exchange.status]).toEqual([[true], 503]);
  });

  it("who was gone before the listener was called is told of in the same way", async () => {
    const { exchange, done } = begin(async (_req, res, exchange) => {
      exchange.abort();
      await once(res, "close");
    });
    await done;
    expect(exchange.status).toBe(503);
  });
});

describe("a listener that fails", () => {
  it.each<[string, (res: ServerResponse) => unknown]>([
    [
      "throws",
      () => {
        throw new Error("boom");
      },
    ],
    [
      "rejects",
      async () => {
        await Promise.resolve();
        throw new Error("boom");
      },
    ],
    [
      "throws after a write of the same turn",
      (res) => {
        res.write("part");
        throw new Error("boom");
      },
    ],
    ["destroys its response", (res) => res.destroy(new Error("boom"))],
    [
      "pipes a source that fails at once",
      (res) =>
        pipeline(
          new Readable({
            read() {
              this.destroy(new Error("boom"));
            },
          }),
          res,
          () => {},
        ),
    ],
  ])("and %s is a 500 and a line", async (_what, respond) => {
    const exchange = await answer((_req, res) => respond(res));
    expect([exchange.status, exchange.fault?.code]).toEqual([500, "HANDLER"]);
    expect(exchange.lines.map(({ message }) => message)).toEqual([expect.stringContaining("boom")]);
  });

  it("after the head has gone is a cut connection and a line", async () => {
    const exchange = await answer(async (_req, res) => {
      res.write("part");
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      throw new Error("boom");
    });
    expect([exchange.status, exchange.text, exchange.failure?.code, exchange.ended]).toEqual([
      200,
      "part",
      "HANDLER",
      false,
    ]);
    expect(exchange.lines).toHaveLength(1);
  });

  it("after its reply is a line, and changes nothing", async () => {
    const exchange = await answer(async (_req, res) => {
      res.end("fine");
      await Promise.resolve();
      throw new Error("boom");
    });
    await eventually(() => exchange.lines.length === 1);
    expect([exchange.status, exchange.text, exchange.lines[0]?.message]).toEqual([
      200,
      "fine",
      "the app failed after its reply: boom",
    ]);
  });
});

describe("timeouts [node:http]", () => {
  it("that are asked for run out, and are told first to who listens", async () => {
    const exchange = await answer((_req, res) => {
      res.setTimeout(5, () => {
        res.statusCode = 503;
        res.end("slow");
      });
    });
    expect([exchange.status, exchange.text]).toEqual([503, "slow"]);
  });

  it("that nobody listens for end the connection", async () => {
    const exchange = await answer((req) => {
      req.setTimeout(5);
    });
    expect(exchange.status).toBe(500);
  });
});

describe("the role of an authorizer [FCGI §6.3]", () => {
  it("is granted by status 200 without content", async () => {
    const exchange = await answer((_req, res) => res.end("yes"), { role: "authorizer" });
    expect([exchange.status, exchange.text]).toEqual([200, ""]);
    const refused = await answer((_req, res) => res.writeHead(403).end("no"), { role: "authorizer" });
    expect([refused.status, refused.text]).toEqual([403, "no"]);
  });
});

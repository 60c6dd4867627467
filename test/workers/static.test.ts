import { utimesSync } from "node:fs";
import { contentTypeOf } from "../../workers/mime.ts";
import { sendResponse } from "../../workers/reply.ts";
import { installResponse } from "../../workers/response.ts";
import { staticResponse } from "../../workers/static.ts";
import { FakeExchange, type FakeExchangeOptions } from "../support/fake-exchange.ts";
import { tempDirs } from "../support/temp-dir.ts";

installResponse();

const CONTENT = "0123456789";
const newDir = tempDirs();

async function serve(options: FakeExchangeOptions = {}, content = CONTENT): Promise<FakeExchange> {
  const file = newDir().write("a.txt", content);
  utimesSync(file, 1_000_000, 1_000_000);
  const exchange = new FakeExchange(options);
  const method = options.method ?? "GET";
  await sendResponse(exchange, method, await staticResponse(file, method, exchange.params));
  return exchange;
}

describe("a static file [RFC 9110]", () => {
  it("is sent with type, length and validators", async () => {
    const exchange = await serve();
    expect(exchange).toMatchObject({ status: 200, text: CONTENT, ended: true });
    expect(Object.fromEntries(exchange.headers)).toMatchObject({
      "content-type": "text/plain; charset=utf-8",
      "content-length": "10",
      "last-modified": "Mon, 12 Jan 1970 13:46:40 GMT",
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      etag: expect.stringMatching(/^"[0-9a-f]+-[0-9a-f]+"$/),
    });
  });

  it("is streamed whatever its length", async () => {
    const long = "x".repeat(200_000);
    const exchange = await serve({}, long);
    expect([exchange.header("content-length"), exchange.bytes.length]).toEqual(["200000", 200_000]);
  });

  it("may be empty", async () => {
    const exchange = await serve({}, "");
    expect([exchange.status, exchange.header("content-length"), exchange.text]).toEqual([200, "0", ""]);
  });

  it("tells HEAD its length and sends nothing", async () => {
    const exchange = await serve({ method: "HEAD" });
    expect([exchange.status, exchange.header("content-length"), exchange.text]).toEqual([200, "10", ""]);
  });

  it("is only read", async () => {
    const exchange = await serve({ method: "POST" });
    expect([exchange.status, exchange.header("allow")]).toEqual([405, "GET, HEAD"]);
  });

  it("is not sent again to one who has it [RFC 9110 §13]", async () => {
    const etag = (await serve()).header("etag") ?? "";
    const notModified: Record<string, string>[] = [
      { "if-none-match": etag },
      { "if-none-match": `"other", W/${etag}` },
      { "if-none-match": "*" },
      { "if-modified-since": "Mon, 12 Jan 1970 13:46:40 GMT" },
      { "if-modified-since": "Tue, 13 Jan 1970 13:46:40 GMT" },
    ];
    for (const headers of notModified) {
      const exchange = await serve({ headers });
      expect([headers, exchange.status, exchange.text, exchange.header("etag")]).toEqual([headers, 304, "", etag]);
    }
    const modified: Record<string, string>[] = [
      { "if-none-match": '"other"' },
      { "if-none-match": '"other"', "if-modified-since": "Tue, 13 Jan 1970 13:46:40 GMT" },
      { "if-modified-since": "Mon, 12 Jan 1970 13:46:39 GMT" },
      { "if-modified-since": "yesterday" },
    ];
    for (const headers of modified) expect([headers, (await serve({ headers })).status]).toEqual([headers, 200]);
  });

  it("is sent in part [RFC 9110 §14]", async () => {
    const exchange = await serve({ headers: { range: "bytes=2-4" } });
    expect([
      exchange.status,
      exchange.header("content-range"),
      exchange.header("content-length"),
      exchange.text,
    ]).toEqual([206, "bytes 2-4/10", "3", "234"]);
    const beyond = await serve({ headers: { range: "bytes=10-" } });
    expect([beyond.status, beyond.header("content-range"), beyond.text]).toEqual([416, "bytes */10", ""]);
  });

  it("is sent whole where If-Range names another version", async () => {
    const etag = (await serve()).header("etag") ?? "";
    expect((await serve({ headers: { range: "bytes=2-4", "if-range": '"other"' } })).status).toBe(200);
    expect((await serve({ headers: { range: "bytes=2-4", "if-range": etag } })).status).toBe(206);
  });

  it("closes its file when the client goes before the first piece", async () => {
    const file = newDir().write("a.txt", CONTENT);
    const exchange = new FakeExchange();
    const response = await staticResponse(file, "GET", exchange.params);
    exchange.abort();
    await sendResponse(exchange, "GET", response);
    expect([exchange.ended, exchange.text, exchange.lines]).toEqual([true, "", []]);
  });
});

describe("a content type", () => {
  it.each([
    ["/a/b.html", "text/html; charset=utf-8"],
    ["/a/B.PNG", "image/png"],
    ["/a.tar.gz", "application/gzip"],
    ["/a/x.woff2", "font/woff2"],
    ["/a.b/unknown", "application/octet-stream"],
    ["/a/x.constructor", "application/octet-stream"],
  ])("of %s is %s", (file, type) => {
    expect(contentTypeOf(file)).toBe(type);
  });
});

import { encodeHead } from "../../src/cgi/response.ts";
import { addLiveScript } from "../../workers/live-script.ts";
import { FakeExchange } from "../support/fake-exchange.ts";

const NAVIGATION = { accept: "text/html,application/xhtml+xml,*/*;q=0.8", "sec-fetch-dest": "document" };
const SCRIPT = `<script src="/-/holdfast/live.js?page=ab-3" async></script>\n`;
const HTML = { "content-type": "text/html; charset=utf-8" };

interface Given {
  readonly method?: string;
  readonly request?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

function exchangeFor({ method = "GET", request = NAVIGATION }: Given): FakeExchange {
  const exchange = new FakeExchange({ method, headers: request });
  addLiveScript(exchange, { path: "/-/holdfast/live", version: "ab-3", handlers: [] });
  return exchange;
}

function replied(given: Given): FakeExchange {
  const { status = 200, headers = HTML, body = "<p>page" } = given;
  const exchange = exchangeFor(given);
  exchange.reply(status, encodeHead({ status, headers: Object.entries(headers) }), body);
  return exchange;
}

describe("the script of a page that reloads itself", () => {
  it.each([
    ["<html><body><p>a</p></body></html>", `<html><body><p>a</p>${SCRIPT}</body></html>`],
    ["<script>'</body>'</script><p>b</BODY >\n", `<script>'</body>'</script><p>b${SCRIPT}</BODY >\n`],
    ["<p>no end", `<p>no end${SCRIPT}`],
  ])("goes before the end of the body, or behind a page without one: %j", (body, page) => {
    expect(replied({ body }).text).toBe(page);
    expect(replied({ body: Buffer.from(body) }).text).toBe(page);
  });

  it("leaves bytes of any encoding as they are", () => {
    const body = Buffer.from("<body>\u00e9\u20ac</body>", "utf8");
    expect(replied({ body }).text).toBe(`<body>\u00e9\u20ac${SCRIPT}</body>`);
    const old = Buffer.from("<p>\u00e9", "latin1");
    const { bytes } = replied({ body: old, headers: { "content-type": "text/html; charset=iso-8859-1" } });
    expect(bytes).toEqual(Buffer.concat([old, Buffer.from(SCRIPT)]));
  });

  it("is counted by Content-Length, and keeps the page out of caches", () => {
    const headers = {
      ...HTML,
      "content-length": "7",
      etag: '"1"',
      "last-modified": "x",
      "cache-control": "max-age=60",
    };
    expect(replied({ headers }).headers).toEqual([
      ["content-type", "text/html; charset=utf-8"],
      ["content-length", String(7 + SCRIPT.length)],
      ["cache-control", "no-store"],
    ]);
  });

  it("goes behind a page that comes in pieces", async () => {
    const exchange = exchangeFor({});
    const stream = exchange.stream(
      200,
      encodeHead({ status: 200, headers: [...Object.entries(HTML), ["content-length", "4"]] }),
    );
    await stream.write(Buffer.from("<p>"));
    await stream.write(Buffer.from("x"));
    stream.end();
    expect(exchange.text).toBe(`<p>x${SCRIPT}`);
    expect(exchange.header("content-length")).toBe(String(4 + SCRIPT.length));
    expect(exchange.ended).toBe(true);
  });

  it("is not added to a page that fails in the middle", () => {
    const exchange = exchangeFor({});
    const stream = exchange.stream(200, encodeHead({ status: 200, headers: Object.entries(HTML) }));
    stream.write(Buffer.from("<p>"));
    stream.fail(new Error("x") as never);
    expect([exchange.text, exchange.ended]).toEqual(["<p>", false]);
  });

  it.each<[string, Given]>([
    ["JSON", { headers: { "content-type": "application/json" } }],
    ["plain text", { headers: { "content-type": "text/plain" } }],
    ["text/htmlx", { headers: { "content-type": "text/htmlx" } }],
    ["no body", { body: "" }],
    ["a compressed body", { headers: { ...HTML, "content-encoding": "gzip" } }],
    ["a download", { headers: { ...HTML, "content-disposition": "attachment; filename=a.html" } }],
    ["UTF-16", { headers: { "content-type": "text/html; charset=UTF-16" } }],
    ["a part of a page", { status: 206 }],
    ["the reply to HEAD", { method: "HEAD" }],
    ["the reply to a form, which cannot be asked for again", { method: "POST" }],
    ["what a script has fetched", { request: { ...NAVIGATION, "sec-fetch-dest": "empty" } }],
    ["a frame", { request: { ...NAVIGATION, "sec-fetch-dest": "iframe" } }],
    ["what htmx asks for", { request: { ...NAVIGATION, "hx-request": "true" } }],
    ["a Turbo frame", { request: { ...NAVIGATION, "turbo-frame": "list" } }],
    ["a client that names no HTML, such as curl", { request: { accept: "*/*" } }],
    [
      "a policy without the site's own scripts",
      { headers: { ...HTML, "content-security-policy": "script-src 'none'" } },
    ],
    [
      "a policy of nonces",
      { headers: { ...HTML, "content-security-policy": "script-src 'nonce-a' 'strict-dynamic' 'self'" } },
    ],
    [
      "a policy that lets it ask nobody",
      { headers: { ...HTML, "content-security-policy": "script-src 'self'; connect-src 'none'" } },
    ],
    [
      "a second policy that forbids it",
      { headers: { ...HTML, "content-security-policy": "default-src 'self', default-src 'none'" } },
    ],
    ["a sandbox", { headers: { ...HTML, "content-security-policy": "sandbox" } }],
  ])("is not put into %s", (_, given) => {
    const { body = "<p>page", headers = HTML } = given;
    const exchange = replied(given);
    expect(exchange.bytes).toEqual(Buffer.from(body));
    expect(exchange.header("content-type")).toBe(headers["content-type"]);
    expect(exchange.header("cache-control")).toBeUndefined();
  });

  it.each([
    { ...HTML, "content-security-policy": "default-src 'self'" },
    { ...HTML, "content-security-policy": "script-src 'sha256-x' 'self'; connect-src *" },
    { ...HTML, "content-security-policy": "img-src 'none'" },
  ])("is put into a page whose policy lets it run: %j", (headers) => {
    expect(replied({ headers }).text).toBe(`<p>page${SCRIPT}`);
  });

  it("is put into pages of browsers that do not say what they want it for", () => {
    expect(replied({ request: { accept: "text/html" } }).text).toContain(SCRIPT);
  });
});

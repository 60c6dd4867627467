// The access log of a whole pool: one line for each request, whatever became of it.

import { Params } from "../../src/fastcgi/name-values.ts";
import { accessLine } from "../../src/pool/access-line.ts";
import { eventually } from "../support/eventually.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";

const USAGE = { residentBytes: 3 * 1024 * 1024, userPercent: 12.345, systemPercent: 1 };

function lineOf(format: string, variables: Record<string, string>, more: object = {}): string {
  const render = accessLine(format, { pool: "www", usage: () => USAGE });
  return render({
    params: Params.from(Object.entries(variables)),
    status: 200,
    head: Buffer.from("Content-Type: text/html\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\nbody: x"),
    bodyBytes: 7,
    durationMs: 1234.5678,
    waitedMs: 0.25,
    cut: false,
    endedAt: new Date(2026, 1, 3, 4, 5, 6, 700),
    ...more,
  });
}

describe("a line of the access log", () => {
  const request = {
    REMOTE_ADDR: "192.0.2.1",
    REMOTE_USER: "ann",
    REQUEST_METHOD: "POST",
    REQUEST_URI: "/a%20b?x=1",
    QUERY_STRING: "x=1",
    CONTENT_LENGTH: "12",
    SCRIPT_FILENAME: "/srv/a.ts",
    UNIQUE_ID: "id1",
    HTTP_REFERER: "http://r/",
  };

  it.each([
    ['%R - %u %t "%m %r%Q%q" %s', /^192\.0\.2\.1 - ann 03\/Feb\/2026:04:05:05 [+-]\d{4} "POST \/a%20b\?x=1" 200\n$/],
    ["%{%T}t %{%T}T", "04:05:05 04:05:06\n"],
    ["%d %{mili}d %{micro}d %{micro}W", "1.235 1234.568 1234568 250\n"],
    ["%l %f %I %b %X %n %%", "12 /srv/a.ts id1 7 - www %\n"],
    ["%p %P", `${process.pid} ${process.ppid}\n`],
    ["%M %{kilo}M %{mega}M", "3145728 3072 3\n"],
    ["%C %{user}C %{system}C", "13.35 12.35 1.00\n"],
    ["%{HTTP_REFERER}e %{NOT_THERE}e", "http://r/ -\n"],
    ["%{content-type}o %{X-Twice}o %{X-None}o", "text/html 1 -\n"],
  ])("%s", (format, expected) => {
    const line = lineOf(format, request);
    if (typeof expected === "string") expect(line).toBe(expected);
    else expect(line).toMatch(expected);
  });

  it("shows a dash for what is not known, and nothing for a query that is not there", () => {
    expect(lineOf('%R %u "%m %r%Q%q" %f %I %l', {}, { head: undefined })).toBe('- - "- -" - - 0\n');
    expect(lineOf("%{a}o", {}, { head: undefined })).toBe("-\n");
  });

  it("escapes what a client chose as Apache does, so that it forges neither a line nor a field", () => {
    const hostile = { ...request, REQUEST_URI: '/"\n127.0.0.1 \\\u001b', REMOTE_USER: "\u00e9\r" };
    expect(lineOf('%u "%r"', hostile)).toBe('\\xc3\\xa9\\r "/\\"\\n127.0.0.1 \\\\\\x1b"\n');
  });

  it("is one object of JSON with format json", () => {
    const hostile = { ...request, REQUEST_URI: '/\u2028"\n', HTTP_USER_AGENT: "né\u202e" };
    const line = lineOf("json", hostile, { cut: true });
    expect(line).toMatch(/^[^\p{Cc}\u2028\u202e]*\n$/u);
    expect(JSON.parse(line)).toMatchObject({
      pool: "www",
      request: "id1",
      remote: "192.0.2.1",
      method: "POST",
      path: '/\u2028"\n',
      query: "x=1",
      status: 200,
      bytes: 7,
      ms: 1234.568,
      waitedMs: 0.25,
      cut: true,
      agent: "né\u202e",
    });
  });
});

/** FCGI_ABORT_REQUEST of request 1 [FCGI §5.4]. */
const ABORT = Buffer.of(1, 2, 0, 1, 0, 0, 0, 0);

describe("the access log of a pool", () => {
  let running: RunningPool | undefined;
  let text = "";

  afterEach(async () => {
    await running?.stop();
    running = undefined;
    text = "";
  });

  async function start(files: Record<string, string>, options: object = {}): Promise<RunningPool> {
    const access_format = '%s %b %X "%m %r%Q%q"';
    running = await startPool(files, { threads: 1, access_log: "stderr", access_format, ...options }, (lines) => {
      text += lines;
    });
    return running;
  }

  const lines = (count: number): Promise<string[]> =>
    eventually(() => {
      const all = text.split("\n").slice(0, -1);
      return all.length >= count && all;
    });

  it("has a line for every reply: whole, streamed, failed, refused, the pool's own", async () => {
    const pool = await start(
      {
        "ok.ts": `export default () => new Response("hello", { status: 201 });`,
        "stream.ts": `export default () => new Response(new ReadableStream({
          async pull(controller) { controller.enqueue(new Uint8Array(100_000)); controller.close(); } }));`,
        "throws.ts": `export default () => { throw new Error("x"); };`,
        "breaks.ts": `export default () => new Response(new ReadableStream({
          start(controller) { controller.enqueue(new Uint8Array(100_000)); setTimeout(() => controller.error(new Error("no more")), 50); } }));`,
      },
      { status: { ping_path: "/-/ping" }, request: { body_limit: 10 } },
    );
    await pool.get("/ok.ts?a=1");
    await pool.get("/stream.ts");
    await pool.get("/throws.ts");
    await pool.get("/breaks.ts").catch(() => {});
    await pool.get("/ok.ts", { REQUEST_METHOD: "POST", CONTENT_LENGTH: "11" });
    await pool.get("/-/ping");
    const [ok, stream, throws, breaks, refused, ping] = await lines(6);
    expect(ok).toBe('201 5 - "GET /ok.ts?a=1"');
    expect(stream).toBe('200 100000 - "GET /stream.ts"');
    expect(throws).toMatch(/^500 \d+ - "GET \/throws.ts"$/);
    expect(breaks).toMatch(/^200 \d+ X "GET \/breaks.ts"$/);
    expect(refused).toMatch(/^413 \d+ - "POST \/ok.ts"$/);
    expect(ping).toBe('200 5 - "GET /-/ping"');
    expect(await lines(6)).toHaveLength(6);
  });

  it("has a line for a client that left before its reply: 499, cut", async () => {
    const pool = await start({
      "slow.ts": `import { setTimeout as delay } from "node:timers/promises";
        export default async (_r: Request, ctx) => { await delay(300); return new Response(); };`,
    });
    const client = await pool.connect();
    const reply = client.request({ params: paramsOf("/slow.ts"), keepConn: false }).catch(() => undefined);
    await eventually(() => pool.pool.status().open === 1);
    client.send(ABORT);
    await reply;
    expect(await lines(1)).toEqual(['499 0 X "GET /slow.ts"']);
  });

  it("leaves out suppressed paths, but nothing that could hide in one", async () => {
    const pool = await start(
      { "a.ts": "export default () => new Response();", "b.ts": "export default () => { throw 1; };" },
      { access_suppress: ["/a.ts", "/b.ts"] },
    );
    await pool.get("/a.ts");
    await pool.get("/a.ts?shown");
    await pool.get("/a.ts", { REQUEST_METHOD: "DELETE" });
    await pool.get("/b.ts");
    const shown = await lines(3);
    expect(shown.map((line) => line.replace(/^(\d+).*"(.*)"/, "$1 $2"))).toEqual([
      "200 GET /a.ts?shown",
      "200 DELETE /a.ts",
      "500 GET /b.ts",
    ]);
  });
});

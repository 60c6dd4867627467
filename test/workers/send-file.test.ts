// ctx.sendFile(): which file is found, and what of it is sent. Through Apache: test/promises/send-file.test.ts.

import { mkdirSync, symlinkSync, utimesSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { SendFileOptions } from "../../src/app/send-file.ts";
import { sendResponse } from "../../workers/reply.ts";
import { installResponse } from "../../workers/response.ts";
import { sendFile } from "../../workers/send-file.ts";
import { eventually } from "../support/eventually.ts";
import { FakeExchange, type FakeExchangeOptions } from "../support/fake-exchange.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

installResponse();

const newDir = tempDirs();
let dir: TempDir;
beforeEach(() => {
  dir = newDir();
  const file = dir.write("root/a.txt", "0123456789");
  utimesSync(file, 1_000_000, 1_000_000);
});

async function send(
  path: string,
  options: SendFileOptions = {},
  asked: FakeExchangeOptions = {},
): Promise<FakeExchange> {
  const exchange = new FakeExchange(asked);
  const method = asked.method ?? "GET";
  const { params, over } = exchange;
  await sendResponse(exchange, method, await sendFile(path, options, { method, params, over }));
  return exchange;
}

describe("a file that is sent", () => {
  it("has type, length and validators", async () => {
    const exchange = await send(`${dir.path}/root/a.txt`);
    expect(exchange).toMatchObject({ status: 200, text: "0123456789" });
    expect(Object.fromEntries(exchange.headers)).toMatchObject({
      "content-type": "text/plain; charset=utf-8",
      "content-length": "10",
      "last-modified": "Mon, 12 Jan 1970 13:46:40 GMT",
      etag: expect.stringMatching(/^"[0-9a-f]+-[0-9a-f]+"$/),
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
    });
  });

  it("has the headers, type and name that the handler gives it", async () => {
    const headers = { "cache-control": "max-age=60", etag: '"mine"' };
    const exchange = await send(`${dir.path}/root/a.txt`, { headers, type: "text/x-log", attachment: "Größe.txt" });
    expect(Object.fromEntries(exchange.headers)).toMatchObject({
      "content-type": "text/x-log",
      "cache-control": "max-age=60",
      etag: '"mine"',
      "content-disposition": "attachment; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.txt",
    });
    expect((await send(`${dir.path}/root/a.txt`, { attachment: true })).header("content-disposition")).toBe(
      'attachment; filename="a.txt"',
    );
    const again = await send(`${dir.path}/root/a.txt`, { headers }, { headers: { "if-none-match": '"mine"' } });
    expect([again.status, again.header("cache-control"), again.header("content-type")]).toEqual([
      304,
      "max-age=60",
      undefined,
    ]);
  });

  it("may be empty, and then no range of it can be had", async () => {
    dir.write("root/empty", "");
    const empty = await send(`${dir.path}/root/empty`, {}, { headers: { range: "bytes=0-1" } });
    expect([empty.status, empty.header("content-length"), empty.text]).toEqual([200, "0", ""]);
  });

  it("is sent in several parts [RFC 9110 §14.6]", async () => {
    const exchange = await send(`${dir.path}/root/a.txt`, {}, { headers: { range: "bytes=0-1,-2" } });
    const type = exchange.header("content-type") ?? "";
    expect([exchange.status, type]).toEqual([
      206,
      expect.stringMatching(/^multipart\/byteranges; boundary=[0-9a-f]{36}$/),
    ]);
    const boundary = type.split("=")[1];
    expect(exchange.text).toBe(
      `\r\n--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-1/10\r\n\r\n01` +
        `\r\n--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n--${boundary}--\r\n`,
    );
    expect(exchange.header("content-length")).toBe(String(exchange.bytes.length));
  });

  it.each<[string, Record<string, string>, number]>([
    ["If-Match of another version", { "if-match": '"x"' }, 412],
    ["If-Unmodified-Since before the change", { "if-unmodified-since": "Mon, 12 Jan 1970 13:46:39 GMT" }, 412],
    ["If-Modified-Since after it", { "if-modified-since": "Mon, 12 Jan 1970 13:46:40 GMT" }, 304],
    ["a range beyond its end", { range: "bytes=10-" }, 416],
    ["a range of this version", { range: "bytes=1-", "if-range": "Mon, 12 Jan 1970 13:46:40 GMT" }, 206],
    ["a range of another version", { range: "bytes=1-", "if-range": '"x"' }, 200],
  ])("obeys %s", async (_, headers, status) => {
    const exchange = await send(`${dir.path}/root/a.txt`, {}, { headers });
    expect([exchange.status, exchange.text.length]).toEqual([status, { 200: 10, 206: 9 }[status] ?? 0]);
  });

  it("is whole where the method has no conditions and ranges of ours", async () => {
    const asked = { method: "POST", headers: { range: "bytes=1-", "if-none-match": "*" } };
    expect(await send(`${dir.path}/root/a.txt`, {}, asked)).toMatchObject({ status: 200, text: "0123456789" });
  });

  it("tells HEAD what GET would get, and sends nothing", async () => {
    const exchange = await send(`${dir.path}/root/a.txt`, {}, { method: "HEAD" });
    expect([exchange.status, exchange.header("content-length"), exchange.text]).toEqual([200, "10", ""]);
  });

  it("is closed when the Response is dropped", async () => {
    const exchange = new FakeExchange();
    const { params, over } = exchange;
    const before = await openFiles();
    await sendFile(`${dir.path}/root/a.txt`, {}, { method: "GET", params, over });
    expect((await openFiles()) - before).toBe(1);
    await sendResponse(exchange, "GET", new Response("another"));
    await over;
    await eventually(async () => (await openFiles()) === before);
  });
});

/** Of this process, in this test's folder. */
async function openFiles(): Promise<number> {
  const { readdirSync, readlinkSync } = await import("node:fs");
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(dir.path);
    } catch {
      return false; // the one that lists them
    }
  }).length;
}

describe("where a file must lie", () => {
  it("is below the root, by its real path", async () => {
    dir.write("root/sub/b.txt", "b");
    dir.write("secret.txt", "secret");
    dir.write("root/.hidden", "h");
    dir.write("root-2/c.txt", "c");
    symlinkSync(join(dir.path, "secret.txt"), join(dir.path, "root/link.txt"));
    symlinkSync(dir.path, join(dir.path, "root/out"));
    symlinkSync("sub/b.txt", join(dir.path, "root/inside.txt"));
    const root = join(dir.path, "root");
    for (const path of ["sub/b.txt", "/sub/b.txt", "sub//b.txt", "./sub/b.txt", "inside.txt"]) {
      expect([path, (await send(path, { root })).text]).toEqual([path, "b"]);
    }
    const never = [
      "../secret.txt",
      "sub/../../secret.txt",
      "sub/../a.txt",
      "link.txt",
      "out/secret.txt",
      ".hidden",
      "../root-2/c.txt",
      "",
      "/",
      "sub",
      "a.txt/x",
      "none",
      "a\0.txt",
      "x".repeat(5000),
    ];
    for (const path of never) expect([path, (await send(path, { root })).status]).toEqual([path, 404]);
  });

  it("may be reached through a link to the root itself", async () => {
    symlinkSync(join(dir.path, "root"), join(dir.path, "current"));
    expect((await send("a.txt", { root: join(dir.path, "current") })).text).toBe("0123456789");
  });

  it("a root that is not there is the handler's mistake, and no 404", async () => {
    await expect(send("a.txt", { root: join(dir.path, "none") })).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("must be a regular file", async () => {
    mkdirSync(join(dir.path, "folder"));
    const server = createServer().listen(join(dir.path, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    for (const path of ["folder", "socket", "none", "root/a.txt/b"]) {
      expect([path, (await send(join(dir.path, path))).status]).toEqual([path, 404]);
    }
    expect((await send("/dev/null")).status).toBe(404);
    server.close();
    await new Promise((resolve) => server.once("close", resolve));
  });
});

describe("X-Sendfile", () => {
  const told = (folders: string): FakeExchangeOptions => ({ variables: { HOLDFAST_XSENDFILE: folders } });

  it("leaves a whole file to Apache where Apache has been told of its folder", async () => {
    dir.write("root/ä b.txt", "content");
    const exchange = await send(`${dir.path}/root/ä b.txt`, { attachment: true }, told(`/none:${dir.path}/root`));
    expect([exchange.status, exchange.text, exchange.header("content-length")]).toEqual([200, "", undefined]);
    expect(exchange.header("x-sendfile")).toBe(`${dir.path}/root/\xc3\xa4 b.txt`);
    expect(exchange.header("content-type")).toBe("text/plain; charset=utf-8");
    expect(exchange.header("content-disposition")).toContain("attachment");
  });

  it.each<[string, string, FakeExchangeOptions]>([
    ["another folder", "/srv", {}],
    ["a folder whose name only begins so", "ROOT-2", {}],
    ["no folder", "", {}],
    ["a word", "on", {}],
    ["a range", "ROOT", { headers: { range: "bytes=0-9" } }],
    ["HEAD", "ROOT", { method: "HEAD" }],
  ])("sends it by itself with %s", async (_, folders, asked) => {
    const variables = { HOLDFAST_XSENDFILE: folders.replace("ROOT", `${dir.path}/root`) };
    const exchange = await send(`${dir.path}/root/a.txt`, {}, { ...asked, variables });
    expect([exchange.header("x-sendfile"), exchange.text]).toEqual([
      undefined,
      asked.method === "HEAD" ? "" : "0123456789",
    ]);
  });

  it("does not name a path that the module's versions read differently", async () => {
    dir.write("root/50%41.txt", "content");
    const exchange = await send(`${dir.path}/root/50%41.txt`, {}, told(`${dir.path}/root`));
    expect([exchange.header("x-sendfile"), exchange.text]).toEqual([undefined, "content"]);
  });

  it("is nothing that a header of an app can ask for", async () => {
    const exchange = new FakeExchange();
    await sendResponse(exchange, "GET", new Response("own", { headers: { "x-sendfile": "/etc/passwd" } }));
    expect([exchange.header("x-sendfile"), exchange.text]).toEqual([undefined, "own"]);
  });

  it("is given up where somebody has taken the body", async () => {
    const exchange = new FakeExchange(told(`${dir.path}/root`));
    const { params, over } = exchange;
    const response = await sendFile(`${dir.path}/root/a.txt`, {}, { method: "GET", params, over });
    await sendResponse(exchange, "GET", new Response(response.body, response));
    expect([exchange.header("x-sendfile"), exchange.text]).toEqual([undefined, "0123456789"]);
  });
});

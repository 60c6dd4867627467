// Uploads through a real Apache: to disk in bounded memory, at the handler's pace, and without a trace
// when the request fails.

import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describeWithApache } from "../support/apache.ts";
import { type BehindApache, startBehindApache } from "../support/behind-apache.ts";
import { eventually } from "../support/eventually.ts";
import type { Answer, Ask } from "../support/http.ts";

const UPLOAD = `
import { existsSync, readdirSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
export async function POST(request, ctx) {
  const query = new URL(request.url).searchParams;
  const parts = [];
  const progress = [];
  // Bytes that were read and are not in the file.
  let ahead = 0;
  const note = (now) => {
    progress.push(now);
    const to = query.get("to");
    const file = query.has("ahead") && readdirSync(to).find((name) => name.startsWith(".upload-"));
    if (file) ahead = Math.max(ahead, now.received - statSync(to + "/" + file).size);
  };
  for await (const part of ctx.uploads({ fileLimit: Number(query.get("limit") ?? 1e9), progress: note })) {
    const { kind, name, filename, type } = part;
    if (kind === "field") parts.push({ kind, name, text: await part.text() });
    else if (query.has("skip")) parts.push({ kind, name, filename });
    else parts.push({ kind, name, filename, type, ...(await part.saveTo(query.get("to"), { mode: 0o600 })) });
    // Until it is told to go on, nothing is read.
    if (query.has("wait")) while (!existsSync(query.get("wait"))) await delay(5);
  }
  if (query.has("throw")) throw new Error("after saving");
  if (query.has("status")) return new Response("", { status: Number(query.get("status")) });
  const last = progress.at(-1);
  return Response.json({ parts, pieces: progress.length, last, ahead });
}`;

const BOUNDARY = "XX-boundary";
const TYPE = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
const head = (name: string, filename?: string): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${
    filename === undefined ? "" : `; filename="${filename}"\r\nContent-Type: image/png`
  }\r\n\r\n`;
const END = `\r\n--${BOUNDARY}--\r\n`;

// Each byte is one more on the wire.
const FILTER = `
import { defineMiddleware } from "holdfast";
export default defineMiddleware({
  filterRequest: () => new TransformStream({ transform: (bytes, to) => to.enqueue(bytes.map((byte) => byte - 1)) }),
});`;

let site: BehindApache;
let folder: string;
beforeAll(async () => {
  site = await startBehindApache(
    { "upload.ts": UPLOAD, "filtered/_middleware.ts": FILTER, "filtered/upload.ts": UPLOAD },
    { request: { body_limit: "1GiB" }, umask: "0022" },
  );
}, 30_000);
afterAll(() => site?.stop());
beforeEach(() => {
  folder = join(
    site.pool.dir.path,
    `to-${expect.getState().currentTestName?.length}-${randomBytes(4).toString("hex")}`,
  );
  mkdirSync(folder);
});

const send = (query: string, body: Ask["body"], deadlineMs = 30_000): Promise<Answer> =>
  site.ask(`/upload?${query}`, {
    method: "POST",
    headers: TYPE,
    ...(body === undefined ? {} : { body }),
    deadlineMs,
  });

const one = (content: string | Buffer, filename = "a.png"): Buffer =>
  Buffer.concat([
    Buffer.from(`${head("title")}hello\r\n${head("file", filename)}`),
    Buffer.from(content),
    Buffer.from(END),
  ]);

describeWithApache("an upload through Apache", () => {
  it("is saved in a folder under a random name, complete, with the mode that was asked for", async () => {
    const content = randomBytes(300_000);
    const { status, text } = await send(`to=${folder}`, one(content, "../../evil.ts"));
    expect(status).toBe(200);
    const { parts, last } = JSON.parse(text);
    expect(parts).toEqual([
      { kind: "field", name: "title", text: "hello" },
      {
        kind: "file",
        name: "file",
        filename: "evil.ts",
        type: "image/png",
        size: 300_000,
        path: expect.stringMatching(new RegExp(`^${folder}/[0-9a-f]{32}$`)),
      },
    ]);
    const { path } = parts[1];
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toHaveLength(1);
    const length = one(content, "../../evil.ts").length;
    expect(last).toEqual({ received: length, total: length });
  });

  it("is saved at a path in place of what was there", async () => {
    const path = join(folder, "avatar");
    writeFileSync(path, "before");
    expect((await send(`to=${path}`, one("after"))).status).toBe(200);
    expect([readFileSync(path, "utf8"), readdirSync(folder)]).toEqual(["after", ["avatar"]]);
  });

  it("of unknown length and 64 MiB is on disk as soon as it is read: no part of it waits in memory", async () => {
    const hash = createHash("sha256");
    const piece = randomBytes(1024 * 1024);
    async function* body(): AsyncGenerator<Buffer> {
      yield Buffer.from(head("file", "large.bin"));
      for (let index = 0; index < 64; index++) {
        hash.update(piece);
        yield piece;
      }
      yield Buffer.from(END);
    }
    // Thousands of pieces, each of which waits for the disk: a busy machine takes its time.
    const { text } = await send(`to=${folder}&ahead=1`, Readable.from(body()), 100_000);
    const { parts, last, ahead } = JSON.parse(text);
    expect(ahead).toBeLessThan(1024 * 1024);
    expect(createHash("sha256").update(readFileSync(parts[0].path)).digest("hex")).toBe(hash.digest("hex"));
    expect(last.total).toBeUndefined();
  }, 120_000);

  it("goes as slowly as its handler: the client is held up, and goes on", async () => {
    const go = join(folder, "go");
    let sent = 0;
    const piece = Buffer.alloc(256 * 1024);
    const total = 256;
    async function* body(): AsyncGenerator<Buffer> {
      // The handler waits after this part.
      yield Buffer.from(`${head("title")}x\r\n${head("file", "f")}`);
      for (; sent < total; sent++) yield piece;
      yield Buffer.from(END);
    }
    const answered = send(`to=${folder}&skip=1&wait=${go}`, Readable.from(body()));
    // It stands still: nothing was sent between many looks.
    let before = 0;
    let still = 0;
    await eventually(() => {
      still = sent > 0 && sent === before ? still + 1 : 0;
      before = sent;
      return still === 40;
    }, 20_000);
    expect(sent).toBeLessThan(total / 2);
    writeFileSync(go, "");
    expect(JSON.parse((await answered).text).parts).toHaveLength(2);
    expect(sent).toBe(total);
  }, 40_000);

  it("leaves nothing on disk when a file is too long, and is a 413", async () => {
    expect((await send(`to=${folder}&limit=1000`, one(Buffer.alloc(1001)))).status).toBe(413);
    expect(readdirSync(folder)).toEqual([]);
    expect((await send(`to=${folder}&limit=1000`, one(Buffer.alloc(1000)))).status).toBe(200);
  });

  it.each([
    ["throws", "throw=1", 500],
    ["answers 503", "status=503", 503],
  ])("is removed again when its handler %s", async (_, query, status) => {
    expect((await send(`to=${folder}&${query}`, one("content"))).status).toBe(status);
    await eventually(() => readdirSync(folder).length === 0);
  });

  it("is kept when its handler refuses it by itself", async () => {
    expect((await send(`to=${folder}&status=422`, one("content"))).status).toBe(422);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it("is removed when its client leaves in the middle", async () => {
    const outgoing = httpRequest(`${site.url}/upload?to=${folder}`, { method: "POST", headers: TYPE });
    outgoing.on("error", () => {});
    outgoing.write(head("file", "a.png"));
    outgoing.write(Buffer.alloc(200_000));
    await eventually(() => readdirSync(folder).some((name) => name.startsWith(".upload-")));
    outgoing.destroy();
    await eventually(() => readdirSync(folder).length === 0);
  });

  it("that nobody reads is passed over, and one without a chosen file is none", async () => {
    const body = Buffer.concat([
      one(Buffer.alloc(100_000)).subarray(0, -END.length),
      Buffer.from(`\r\n${head("none", "")}`),
      Buffer.from(END),
    ]);
    const { text } = await send(`to=${folder}&skip=1`, body);
    expect(JSON.parse(text).parts.map(({ name }: { name: string }) => name)).toEqual(["title", "file"]);
  });

  it("is what a middleware's filter has made of it", async () => {
    const body = one("content").map((byte) => byte + 1);
    const { status, text } = await site.ask(`/filtered/upload?to=${folder}`, { method: "POST", headers: TYPE, body });
    expect(status).toBe(200);
    const { parts, last } = JSON.parse(text);
    expect([parts[0].text, readFileSync(parts[1].path, "utf8"), last.total]).toEqual(["hello", "content", undefined]);
  });

  it("to a folder that does not exist is the handler's error, and nothing is made", async () => {
    expect((await send(`to=${folder}/none/x`, one("content"))).status).toBe(500);
    expect(existsSync(`${folder}/none`)).toBe(false);
  });
});

// ctx.sendFile() through a real Apache: conditions, ranges, large files, and Apache's own mod_xsendfile.

import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findApache } from "../../src/front/find-apache.ts";
import { describeWithApache, openFolder } from "../support/apache.ts";
import { type BehindApache, startBehindApache } from "../support/behind-apache.ts";
import { eventually } from "../support/eventually.ts";
import { askHead } from "../support/http.ts";
import { skip } from "../support/skip.ts";

const SEND = `
export default (request, ctx) => {
  const query = new URL(request.url).searchParams;
  return ctx.sendFile(query.get("file"), { root: query.get("root"), ...(query.has("save") ? { attachment: query.get("save") } : {}) });
};`;

const search = await findApache();
const module_ = search.kind === "found" ? join(search.program.modulesFolder, "mod_xsendfile.so") : "";

let folder: string;
let content: Buffer;

function makeFiles(): void {
  folder = join(openFolder(), "files");
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  content = randomBytes(200_000);
  writeFileSync(join(folder, "größe 1.bin"), content, { mode: 0o644 });
  writeFileSync(join(folder, "a.txt"), "0123456789", { mode: 0o644 });
}

const at = (file: string, more = ""): string =>
  `/send?root=${encodeURIComponent(folder)}&file=${encodeURIComponent(file)}${more}`;

describeWithApache("a file through Apache", () => {
  let site: BehindApache;
  beforeAll(async () => {
    site = await startBehindApache({ "send.ts": SEND }, { threads: 1 });
    makeFiles();
  }, 30_000);
  afterAll(() => site?.stop());

  it("comes with its length, type and name", async () => {
    const { status, headers, bytes } = await site.ask(at("größe 1.bin", "&save=%E2%82%AC.bin"));
    expect([status, bytes.equals(content)]).toEqual([200, true]);
    expect(headers).toMatchObject({
      "content-length": "200000",
      "content-type": "application/octet-stream",
      "content-disposition": "attachment; filename=\"_.bin\"; filename*=UTF-8''%E2%82%AC.bin",
      "accept-ranges": "bytes",
    });
  });

  it("is not sent again to one who has it, and not where it has changed", async () => {
    const first = await site.ask(at("a.txt"));
    const { etag = "", "last-modified": modified = "" } = first.headers;
    for (const headers of [
      { "if-none-match": etag },
      { "if-none-match": `W/${etag}` },
      { "if-modified-since": modified },
    ]) {
      const again = await site.ask(at("a.txt"), { headers });
      expect([headers, again.status, again.text, again.headers.etag]).toEqual([headers, 304, "", etag]);
    }
    for (const headers of [{ "if-match": '"x"' }, { "if-unmodified-since": "Mon, 12 Jan 1970 13:46:39 GMT" }]) {
      expect([headers, (await site.ask(at("a.txt"), { headers })).status]).toEqual([headers, 412]);
    }
  });

  it.each([
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=10-", 416, "", "bytes */10"],
    ["lines=1-2", 200, "0123456789", undefined],
  ])("comes in the part %s that is asked for", async (range, status, text, contentRange) => {
    const answer = await site.ask(at("a.txt"), { headers: { range } });
    expect([answer.status, answer.status === 416 ? "" : answer.text, answer.headers["content-range"]]).toEqual([
      status,
      text,
      contentRange,
    ]);
  });

  it("comes in several parts, each with its place", async () => {
    const { status, headers, text } = await site.ask(at("a.txt"), { headers: { range: "bytes=0-1,-2" } });
    const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(headers["content-type"] ?? "")?.[1];
    expect([status, headers["content-length"]]).toEqual([206, String(text.length)]);
    expect(text.split(`--${boundary}`).map((part) => part.split("\r\n\r\n")[1]?.trimEnd())).toEqual([
      undefined,
      "01",
      "89",
      undefined,
    ]);
  });

  it("tells HEAD its length", async () => {
    const { status, headers, text } = await site.ask(at("a.txt"), { method: "HEAD" });
    expect([status, headers["content-length"], text]).toEqual([200, "10", ""]);
  });

  it("is 404 outside of its root, whatever the path says", async () => {
    for (const path of ["../send.ts", "/etc/passwd", "../../../../../etc/passwd", "none", "."]) {
      expect([path, (await site.ask(at(path))).status]).toEqual([path, 404]);
    }
  });

  it("is closed when its client leaves in the middle", async () => {
    writeFileSync(join(folder, "large.bin"), Buffer.alloc(64 * 1024 * 1024), { mode: 0o644 });
    const response = await askHead(site.url, at("large.bin"));
    await eventually(() => isOpen("large.bin"));
    response.destroy();
    await eventually(() => !isOpen("large.bin"), 10_000);
  });

  /** In this process, whose thread the worker is. */
  function isOpen(name: string): boolean {
    return readdirSync("/proc/self/fd").some((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).endsWith(name);
      } catch {
        return false; // closed meanwhile
      }
    });
  }
});

const describeWithModule = existsSync(module_)
  ? describeWithApache
  : (title: string, body: () => void) =>
      skip(title, "there is no mod_xsendfile (Debian: libapache2-mod-xsendfile)", body);

describeWithModule("a file that Apache sends by itself (mod_xsendfile)", () => {
  let site: BehindApache;
  beforeAll(async () => {
    makeFiles();
    site = await startBehindApache({ "send.ts": SEND }, { threads: 1 }, [
      `LoadModule xsendfile_module "${module_}"`,
      "XSendFile On",
      `XSendFilePath "${folder}"`,
      `SetEnv HOLDFAST_XSENDFILE "${folder}"`,
    ]);
  }, 30_000);
  afterAll(() => site?.stop());

  it("is the same file, with our type, name and validators", async () => {
    const { status, headers, bytes } = await site.ask(at("größe 1.bin", "&save=x.bin"));
    expect([status, bytes.equals(content)]).toEqual([200, true]);
    expect(headers).toMatchObject({
      "content-length": "200000",
      "content-type": "application/octet-stream",
      "content-disposition": 'attachment; filename="x.bin"',
    });
    // It is Apache's to make, or ours to keep; but never shown to the client.
    expect(headers["x-sendfile"]).toBeUndefined();
    const again = await site.ask(at("größe 1.bin"), { headers: { "if-none-match": headers.etag ?? "" } });
    expect([again.status, again.headers.etag]).toEqual([304, headers.etag]);
  });

  it("is one version for both: part of it may come from us and the rest from Apache", async () => {
    const whole = await site.ask(at("a.txt"));
    const part = await site.ask(at("a.txt"), { headers: { range: "bytes=5-", "if-range": whole.headers.etag ?? "" } });
    expect([whole.text, part.status, part.text, part.headers.etag]).toEqual([
      "0123456789",
      206,
      "56789",
      whole.headers.etag,
    ]);
  });

  it("comes in parts as well", async () => {
    const { status, text, headers } = await site.ask(at("a.txt"), { headers: { range: "bytes=2-4" } });
    expect([status, text, headers["content-range"]]).toEqual([206, "234", "bytes 2-4/10"]);
  });
});

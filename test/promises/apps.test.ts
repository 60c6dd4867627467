// Apps of each framework, as their authors wrote them, behind a real Apache.

import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { describeWithApache, openFolder } from "../support/apache.ts";
import {
  type AppsBehindApache,
  BLOCKS,
  hashOf,
  PATIENCE_MS,
  SHA256,
  startAppsBehindApache,
} from "../support/apps-behind-apache.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, type Ask, askHead } from "../support/http.ts";

const APPS = fileURLToPath(new URL("../../../test/fixtures/apps", import.meta.url));

interface Mounted {
  readonly title: string;
  /** Below which URL it is. */
  readonly at: string;
  /** What it takes for its URL. */
  readonly inner: string;
  /** What is logged when it fails; absent: it answers its errors by itself. */
  readonly fails?: string;
}

const MOUNTED: readonly Mounted[] = [
  { title: "a module with fetch", at: "/fetch", inner: "/fetch" },
  { title: "a (req, res) listener", at: "/listener", inner: "", fails: "the program fails" },
  { title: "Express 5, exported", at: "/express", inner: "" },
  { title: "Express 5 that listens", at: "/express-program", inner: "" },
  { title: "Koa 3, exported", at: "/koa", inner: "" },
  { title: "Koa 3 that listens", at: "/koa-program", inner: "" },
  { title: "Fastify 5, exported", at: "/fastify", inner: "" },
  { title: "Fastify 5 that listens", at: "/program/fastify", inner: "" },
  { title: "a plain http program that listens", at: "/program/plain", inner: "", fails: "the program fails" },
  { title: "the same in a process of its own", at: "/program/process", inner: "", fails: "the program fails" },
  { title: "Hono 4", at: "/hono", inner: "/hono" },
  { title: "H3 2", at: "/h3", inner: "/h3" },
];

let apps: AppsBehindApache;

function logged(text: string): boolean {
  return apps.log().includes(text);
}

/** All pools are in one virtual host. */
function ask(path: string, options?: Ask): Promise<Answer> {
  return apps.ask("files", path, options);
}

describeWithApache("behind Apache", () => {
  beforeAll(async () => {
    const program = (name: string, file: string) => ({ app: `${APPS}/${file}`, mount: `/program/${name}` });
    const pools = {
      fastify: program("fastify", "fastify-program.mjs"),
      plain: program("plain", "plain-program.cjs"),
      process: { ...program("process", "plain-program.cjs"), isolation: "process" },
      files: { root: APPS },
    };
    apps = await startAppsBehindApache({
      folder: openFolder(),
      pools,
      hosts: [Object.keys(pools)],
      more: ['SetEnvIf X-Over-Tls "yes" HTTPS=on'],
    });
  }, PATIENCE_MS);

  afterAll(() => apps?.stop(), PATIENCE_MS);

  describe.each(MOUNTED)("$title", ({ at, inner, fails }) => {
    it("answers GET, with several cookies, and knows who asks for what", async () => {
      const { status, text, headers } = await ask(`${at}/hello?name=a%20b`);
      const {
        ip = "127.0.0.1",
        originalUrl = `${at}/hello?name=a%20b`,
        ...said
      } = JSON.parse(text) as Answer & {
        ip?: string;
        originalUrl?: string;
      };
      expect([status, ip, originalUrl]).toEqual([200, "127.0.0.1", `${at}/hello?name=a%20b`]);
      expect(said).toMatchObject({
        hello: "a b",
        protocol: "http",
        secure: false,
        hostname: "127.0.0.1",
        url: `${inner}/hello?name=a%20b`,
      });
      expect(headers["set-cookie"]?.map((cookie) => cookie.split(";")[0])).toEqual(["a=1", "b=2"]);
      expect(headers["content-type"]).toContain("application/json");
    });

    it("knows that Apache was reached over TLS", async () => {
      const { text } = await ask(`${at}/hello`, { headers: { "X-Over-Tls": "yes" } });
      expect(JSON.parse(text)).toMatchObject({ protocol: "https", secure: true });
    });

    it("answers HEAD as GET, without the body", async () => {
      const { status, text, headers } = await ask(`${at}/hello`, { method: "HEAD" });
      expect([status, text]).toEqual([200, ""]);
      expect(headers["content-type"]).toContain("application/json");
    });

    it("reads JSON, also where its length was not told", async () => {
      const sent = { text: "ü", list: [1, 2, 3] };
      const headers = { "Content-Type": "application/json" };
      for (const body of [JSON.stringify(sent), Readable.from([JSON.stringify(sent)])]) {
        const { status, text } = await ask(`${at}/echo`, { method: "POST", headers, body });
        expect([status, JSON.parse(text)]).toEqual([201, { got: sent }]);
      }
    });

    it("says 404 for what it does not have, and 500 when it fails", async () => {
      expect((await ask(`${at}/nothing`)).status).toBe(404);
      expect((await ask(`${at}/boom`)).status).toBe(500);
      if (fails !== undefined) await eventually(() => logged(fails), PATIENCE_MS);
      expect((await ask(`${at}/hello`)).status).toBe(200);
    });

    it("sends 5 MiB in pieces", async () => {
      const { bytes } = await ask(`${at}/download`);
      expect(bytes.length).toBe(5 * 1024 * 1024);
      expect(hashOf(bytes)).toBe(SHA256);
    });

    it("takes 5 MiB in pieces", async () => {
      const headers = { "Content-Type": "application/octet-stream" };
      const { text } = await ask(`${at}/upload`, { method: "POST", headers, body: Readable.from(BLOCKS) });
      expect(JSON.parse(text)).toEqual({ sha256: SHA256 });
    });

    it("sees that its client has left", async () => {
      const count = async (): Promise<number> => JSON.parse((await ask(`${at}/left`)).text).count;
      const before = await count();
      const response = await askHead(apps.url("files"), `${at}/ticks`, { deadlineMs: PATIENCE_MS });
      await new Promise((resolve) => response.once("data", resolve));
      response.on("error", () => {}).destroy();
      await eventually(async () => (await count()) === before + 1, PATIENCE_MS);
    });
  });

  it("a Node app has ctx, and what it adds to the reply", async () => {
    const { status, text, headers } = await ask("/express/context");
    expect([status, JSON.parse(text)]).toEqual([200, { uri: "/express/context", worker: expect.any(Number) }]);
    expect(headers["set-cookie"]).toEqual([expect.stringContaining("from=context")]);
  });

  describe("a Node app inside of middleware", () => {
    const key = { "X-Key": "right" };
    const at = "/wrapped/express";

    it("is guarded and wrapped by it", async () => {
      expect((await ask(`${at}/hello`)).status).toBe(403);
      const { status, text, headers } = await ask(`${at}/hello?name=a`, { headers: key });
      expect([status, JSON.parse(text)]).toEqual([200, expect.objectContaining({ hello: "a", url: "/hello?name=a" })]);
      expect(headers["set-cookie"]?.map((cookie) => cookie.split(";")[0])).toEqual(["a=1", "b=2", "wrapped=yes"]);
      const context = await ask(`${at}/context`, { headers: key });
      expect(context.headers["set-cookie"]).toHaveLength(2);
    });

    it("answers the request that the middleware makes of it", async () => {
      const { text } = await ask(`${at}/nothing`, { headers: { ...key, "X-Change": "yes" } });
      expect(JSON.parse(text)).toMatchObject({ hello: "changed", url: "/hello?name=changed", protocol: "http" });
    });

    it("streams through it both ways, answers HEAD, and fails as it does alone", async () => {
      const { bytes } = await ask(`${at}/download`, { headers: key });
      expect(hashOf(bytes)).toBe(SHA256);
      const upload = await ask(`${at}/upload`, { method: "POST", headers: key, body: Readable.from(BLOCKS) });
      expect(JSON.parse(upload.text)).toEqual({ sha256: SHA256 });
      const head = await ask(`${at}/hello`, { method: "HEAD", headers: key });
      expect([head.status, head.text]).toEqual([200, ""]);
      expect((await ask(`${at}/boom`, { headers: key })).status).toBe(500);
    });

    it("sees that its client has left", async () => {
      const count = async (): Promise<number> => JSON.parse((await ask(`${at}/left`, { headers: key })).text).count;
      const before = await count();
      const response = await askHead(apps.url("files"), `${at}/ticks`, { headers: key, deadlineMs: PATIENCE_MS });
      await new Promise((resolve) => response.once("data", resolve));
      response.on("error", () => {}).destroy();
      await eventually(async () => (await count()) === before + 1, PATIENCE_MS);
    });
  });

  it("an error that no listener's stack contains is a 500 for its own request, and the worker is replaced", async () => {
    const [stray, other] = await Promise.all([ask("/express/stray"), ask("/express/download")]);
    expect([stray.status, other.status, other.bytes.length]).toEqual([500, 200, 5 * 1024 * 1024]);
    await eventually(() => logged("express fails later"), PATIENCE_MS);
    expect((await ask("/express/hello")).status).toBe(200);
  });

  it(
    "programs that listen are told to stop, and may end as they are used to",
    async () => {
      await apps.supervisor.stop("end of tests");
      expect(logged("told by SIGTERM to leave")).toBe(false);
      for (const text of ["it is told to stop", "it has stopped", "onClose was called"])
        expect([text, logged(text)]).toEqual([text, true]);
    },
    PATIENCE_MS,
  );
});

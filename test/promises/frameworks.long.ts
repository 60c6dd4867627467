// Frameworks that are too large to be installed for every day, behind Apache: NestJS as TypeScript with
// decorator metadata, and what `next build` makes, both unchanged, in threads and in processes.

import { execFile } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describeWithApache, openFolder } from "../support/apache.ts";
import {
  type AppsBehindApache,
  hashOf,
  PATIENCE_MS,
  SHA256,
  startAppsBehindApache,
} from "../support/apps-behind-apache.ts";
import type { Answer, Ask } from "../support/http.ts";

const SOURCES = fileURLToPath(new URL("../../../test/apps", import.meta.url));
const INSTALL_MS = 400_000;

const run = promisify(execFile);

describeWithApache("large frameworks behind Apache", () => {
  let apps: AppsBehindApache;

  const ask = (pool: string, path: string, options?: Ask): Promise<Answer> => apps.ask(pool, path, options);
  const json = (body: unknown): Ask => ({
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

  beforeAll(async () => {
    const folder = openFolder();
    cpSync(SOURCES, folder, { recursive: true });
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
    await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder, env });
    const next = join(folder, "next");
    await run(process.execPath, [join(folder, "node_modules/next/dist/bin/next"), "build"], { cwd: next, env });
    // As Next's manual says: the standalone server wants its static files beside it.
    const standalone = join(next, ".next/standalone/next");
    cpSync(join(next, ".next/static"), join(standalone, ".next/static"), { recursive: true });

    const pools = {
      nest: { app: "nest/main.ts" },
      exported: { app: "nest/exported.ts" },
      next: { app: "next/server.mjs" },
      standalone: { app: join(standalone, "server.js") },
      process: { app: join(standalone, "server.js"), isolation: "process" },
    };
    apps = await startAppsBehindApache({ folder, pools, hosts: Object.keys(pools).map((name) => [name]) });
  }, INSTALL_MS);

  afterAll(() => apps?.stop(), PATIENCE_MS);

  describe.each(["nest", "exported"])("NestJS 11 (%s)", (pool) => {
    it("injects by the types that TypeScript has told it", async () => {
      const { status, text } = await ask(pool, "/hello?name=a");
      expect([status, JSON.parse(text)]).toEqual([
        200,
        { hello: "Hello a", protocol: "http", ip: "127.0.0.1", url: "/hello?name=a" },
      ]);
    });

    it("reads bodies, streams, fails and does not find", async () => {
      const echoed = await ask(pool, "/echo", json({ a: [1] }));
      expect([echoed.status, JSON.parse(echoed.text)]).toEqual([201, { got: { a: [1] } }]);
      const { bytes } = await ask(pool, "/download");
      expect(hashOf(bytes)).toBe(SHA256);
      expect((await ask(pool, "/boom")).status).toBe(500);
      expect((await ask(pool, "/nothing")).status).toBe(404);
    });
  });

  describe.each(["next", "standalone", "process"])("Next.js 16 (%s)", (pool) => {
    it("renders pages, and streams what comes later", async () => {
      const page = await ask(pool, "/?name=a");
      expect([page.status, page.text.replaceAll("<!-- -->", "")]).toEqual([
        200,
        expect.stringContaining(`<p>Hello a at ${new URL(apps.url(pool)).host}</p>`),
      ]);
      const slow = await ask(pool, "/slow");
      expect(slow.text).toContain("it is awaited");
      expect(slow.text).toContain("it came later");
    });

    it("answers by routes, has its static files, and does not find", async () => {
      const echoed = await ask(pool, "/api/echo", json({ a: [1] }));
      expect([echoed.status, JSON.parse(echoed.text)]).toEqual([201, { got: { a: [1] } }]);
      const [script = ""] = /\/_next\/static\/[^"]+\.js/.exec((await ask(pool, "/")).text) ?? [];
      const { status, headers } = await ask(pool, script);
      expect([status, headers["content-type"]]).toEqual([200, expect.stringContaining("javascript")]);
      expect((await ask(pool, "/nothing")).status).toBe(404);
    });
  });

  it(
    "are told to stop",
    async () => {
      await apps.supervisor.stop("end of tests");
      const told = apps.log().match(/the module is destroyed/g);
      expect(told).toHaveLength(2);
    },
    PATIENCE_MS,
  );
});

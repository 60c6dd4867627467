// Frameworks that are too large to be installed for every day, behind Apache: NestJS as TypeScript with
// decorator metadata, and what `next build` makes, both unchanged, in threads and in processes.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { resolveConfig } from "../../src/config/load.ts";
import { renderApache } from "../../src/deploy/apache.ts";
import { section } from "../../src/deploy/directives.ts";
import { type RunningSupervisor, startSupervisor } from "../../src/supervisor/main.ts";
import { createLog } from "../../src/telemetry/log.ts";
import {
  describeWithApache,
  freePorts,
  openFolder,
  removeFolders,
  startTestApache,
  type TestApache,
} from "../support/apache.ts";
import { type Answer, type Ask, ask as askAt } from "../support/http.ts";

const SOURCES = fileURLToPath(new URL("../../../test/apps", import.meta.url));
const INSTALL_MS = 400_000;
const PATIENCE_MS = 60_000;
const SHA256 = createHash("sha256")
  .update(Buffer.concat(Array.from({ length: 80 }, (_, made) => Buffer.alloc(64 * 1024, made))))
  .digest("hex");

const run = promisify(execFile);

describeWithApache("large frameworks behind Apache", () => {
  let apache: TestApache;
  let supervisor: RunningSupervisor;
  let ports: Readonly<Record<string, number>>;
  let logFile: string;

  const ask = (pool: string, path: string, options?: Ask): Promise<Answer> =>
    askAt(`http://127.0.0.1:${ports[pool]}`, path, { deadlineMs: PATIENCE_MS, ...options });
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

    const pool = (name: string, app: string) => ({
      listen: `./${name}.sock`,
      listen_mode: "0666",
      allow_root: true,
      threads: 1,
      app,
    });
    const pools = {
      nest: pool("nest", "nest/main.ts"),
      exported: pool("exported", "nest/exported.ts"),
      next: pool("next", "next/server.mjs"),
      standalone: pool("standalone", join(standalone, "server.js")),
      process: { ...pool("process", join(standalone, "server.js")), isolation: "process" },
    };
    logFile = join(folder, "holdfast.log");
    const { config } = resolveConfig(
      { supervisor: { control: "./control.sock", log: "./holdfast.log", log_format: "json" }, pools },
      folder,
    );
    supervisor = await startSupervisor(config, { log: createLog("json", "info", () => {}) });
    await supervisor.ready;
    const free = await freePorts(config.pools.length);
    ports = Object.fromEntries(config.pools.map(({ name }, at) => [name, free[at] ?? 0]));
    apache = await startTestApache(
      folder,
      config.pools.flatMap((each) => [
        `Listen 127.0.0.1:${ports[each.name]}`,
        ...section("VirtualHost", `127.0.0.1:${ports[each.name]}`, renderApache([each], { layout: "prefix" })),
      ]),
    );
  }, INSTALL_MS);

  afterAll(async () => {
    await apache?.stop();
    await supervisor?.stop("end of tests");
    removeFolders();
  }, PATIENCE_MS);

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
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(SHA256);
      expect((await ask(pool, "/boom")).status).toBe(500);
      expect((await ask(pool, "/nothing")).status).toBe(404);
    });
  });

  describe.each(["next", "standalone", "process"])("Next.js 16 (%s)", (pool) => {
    it("renders pages, and streams what comes later", async () => {
      const page = await ask(pool, "/?name=a");
      expect([page.status, page.text.replaceAll("<!-- -->", "")]).toEqual([
        200,
        expect.stringContaining(`<p>Hello a at 127.0.0.1:${ports[pool]}</p>`),
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
      await supervisor.stop("end of tests");
      const told = readFileSync(logFile, "utf8").match(/the module is destroyed/g);
      expect(told).toHaveLength(2);
    },
    PATIENCE_MS,
  );
});

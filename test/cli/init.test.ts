// `holdfast init`: what it writes runs as it is, and its README says the truth.

import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describeWithApache, freePorts, startTestApache, type TestApache } from "../support/apache.ts";
import { connectFastCgi } from "../support/fastcgi-client.ts";
import { ask } from "../support/http.ts";
import { type Finished, launcher } from "../support/launch.ts";
import { split } from "../support/markdown.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

const run = promisify(execFile);
const TOP = fileURLToPath(new URL("../../../", import.meta.url));
const TSC = join(TOP, "node_modules/typescript/bin/tsc");
const COMMAND_MS = 60_000;

const TEMPLATES = ["pages", "api", "express", "hono", "guestbook", "authorizer"] as const;

describe("`holdfast init`", () => {
  const tempDir = tempDirs();
  const launch = launcher();
  let dir: TempDir;
  beforeEach(() => {
    dir = tempDir();
    // Apache's processes are another user's.
    chmodSync(dir.path, 0o755);
  });
  const holdfast = (...args: readonly string[]): Promise<Finished> => launch(args, { cwd: dir.path }).finished;
  const inNew = (path: string): string => join(dir.path, "new", path);

  /** Writes the template into `new`, with this checkout's packages instead of `npm install`. */
  async function init(template: string): Promise<Finished> {
    const written = await holdfast("init", "new", "--template", template);
    const manifest = JSON.parse(readFileSync(inNew("package.json"), "utf8")) as Record<string, Record<string, string>>;
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) link(name);
    link("holdfast");
    // Started by root, a server's configuration has to name a user; nobody else needs one.
    if (process.getuid?.() === 0) {
      dir.write("new/holdfast.toml", `${readFileSync(inNew("holdfast.toml"), "utf8")}allow_root = true\n`);
    }
    return written;
  }

  function link(name: string): void {
    const at = inNew(`node_modules/${name}`);
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(name === "holdfast" ? TOP : join(TOP, "node_modules", name), at);
  }

  /** The lines of the README that are to be typed. */
  function typed(): readonly string[] {
    const { fences } = split(readFileSync(inNew("README.md"), "utf8"));
    return fences.filter(({ language }) => language === "sh").flatMap(({ code }) => code.trim().split("\n"));
  }

  it.each(TEMPLATES)(
    "says what comes next after --template %s, and writes what a compiler accepts",
    async (template) => {
      const { code, stdout, stderr } = await init(template);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(/^ {2}holdfast start -c new\/holdfast\.toml$/m);
      const served = /^holdfast serve (\S+)$/m.exec(typed().join("\n"))?.[1];
      if (served !== undefined) expect(stdout).toContain(`\n  holdfast serve new/${served}\n`);
      await run(process.execPath, [TSC, "-p", inNew("tsconfig.json")], { cwd: inNew(".") });
    },
    COMMAND_MS,
  );

  describeWithApache("through Apache", () => {
    it.each(TEMPLATES.filter((name) => name !== "authorizer"))(
      "runs what the README of %s says",
      async (template) => {
        await init(template);
        const lines = typed();
        const [target] = lines.flatMap((line) => /^holdfast serve (\S+)$/.exec(line)?.slice(1) ?? []);
        const env = { GUESTBOOK_DB: join(dir.path, "guestbook.db"), DATABASE_URL: undefined };
        const serve = launch(["serve", target ?? "", "--port", "0", "--front", "apache"], { cwd: inNew("."), env });
        const url = /URL +(\S+)/.exec(await serve.line(/^ *URL +http/, COMMAND_MS))?.[1] ?? "";
        const asked = lines.filter((line) => line.startsWith("curl "));
        expect(asked.length).toBeGreaterThan(1);
        for (const line of asked) {
          await run("sh", ["-c", line.replace("http://127.0.0.1:8000/", url)], { cwd: inNew(".") });
        }
        expect((await ask(url, "/", { headers: { accept: "text/html" } })).status).toBe(200);
        expect(serve.output).not.toMatch(/"level":"error"/);
        expect(await holdfast("check", "-c", inNew("holdfast.toml"))).toMatchObject({ code: 0, stderr: "" });
      },
      2 * COMMAND_MS,
    );

    it(
      "lets in who has an account, with the authorizer and the Apache configuration beside it",
      async () => {
        await init("authorizer");
        const [account = ""] = typed();
        expect(account).toContain("node account.ts ali");
        await run("sh", ["-c", account.replace("node ", `"${process.execPath}" `)], { cwd: inNew(".") });
        const [port] = await freePorts(1);
        const moved = (text: string): string => text.replace("127.0.0.1:9100", `127.0.0.1:${port}`);
        dir.write("new/holdfast.toml", moved(readFileSync(inNew("holdfast.toml"), "utf8")));
        expect(await holdfast("check", "-c", inNew("holdfast.toml"))).toMatchObject({ code: 0, stderr: "" });
        await launch(["start", "-c", inNew("holdfast.toml")]).line(/"msg":"serving"/);
        dir.write("www/private/page.html", "<p>private");
        dir.write("www/public.html", "<p>public");
        const modules = ["mpm_event", "unixd", "log_config", "authz_core", "alias", "dir", "env", "setenvif", "mime"];
        const more = ["reqtimeout", "authn_core", "authz_user", "auth_basic", "authnz_fcgi"];
        const documents = [
          `DocumentRoot "${dir.path}/www"`,
          `<Directory "${dir.path}/www">`,
          "Require all granted",
          "</Directory>",
        ];
        let apache: TestApache | undefined;
        try {
          apache = await startTestApache(
            dir.path,
            [documents, moved(readFileSync(inNew("apache.conf"), "utf8")).split("\n")],
            [...modules, ...more],
          );
          const as = (user: string) => ({
            headers: { authorization: `Basic ${Buffer.from(user).toString("base64")}` },
          });
          expect((await ask(apache.url, "/public.html")).text).toBe("<p>public");
          expect((await ask(apache.url, "/private/page.html")).status).toBe(401);
          expect((await ask(apache.url, "/private/page.html", as("ali:wrong"))).status).toBe(401);
          expect((await ask(apache.url, "/private/page.html", as("constructor:x"))).status).toBe(401);
          expect((await ask(apache.url, "/private/page.html", as("ali:open sesame"))).text).toBe("<p>private");
        } finally {
          await apache?.stop();
        }
      },
      COMMAND_MS,
    );
  });

  it(
    "writes a configuration that a server starts with",
    async () => {
      await init("pages");
      await launch(["start", "-c", inNew("holdfast.toml")]).line(/"msg":"serving"/);
      const client = await connectFastCgi({ path: inNew("run/site.sock") });
      const { status } = await client.request({
        params: { REQUEST_METHOD: "GET", REQUEST_URI: "/", SCRIPT_NAME: "/" },
      });
      await client.close();
      expect(status).toBe(200);
    },
    COMMAND_MS,
  );

  it("goes into the current folder unless another is named, and does not mind version control", async () => {
    dir.write(".git/HEAD", "ref: x");
    const { code, stdout } = await holdfast("init");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}holdfast serve site$/m);
    expect(readdirSync(dir.path).sort()).toEqual(
      [".git", ".gitignore", "README.md", "holdfast.toml", "package.json", "run", "site", "tsconfig.json"].sort(),
    );
  });

  it("writes nothing into a folder that is not empty", async () => {
    dir.write("notes.txt", "mine");
    expect(await holdfast("init")).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/notes\.txt is there already\n {2}nothing was written/),
    });
    expect(readdirSync(dir.path)).toEqual(["notes.txt"]);
  });

  it("writes nothing where a link that leads nowhere has the folder's name", async () => {
    symlinkSync(join(dir.path, "nowhere"), join(dir.path, "new"));
    expect(await holdfast("init", "new")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("is there already"),
    });
    expect(existsSync(join(dir.path, "nowhere"))).toBe(false);
  });

  it("knows no other templates", async () => {
    expect(await holdfast("init", "--template", "flies")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("pages, api, express, hono, guestbook, authorizer"),
    });
  });
});

// `holdfast init`: what it writes runs as it is.

import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { connectFastCgi } from "../support/fastcgi-client.ts";
import { type Finished, launcher } from "../support/launch.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

describe("`holdfast init`", () => {
  const tempDir = tempDirs();
  const launch = launcher();
  let dir: TempDir;
  beforeEach(() => {
    dir = tempDir();
  });
  const run = (...args: readonly string[]): Promise<Finished> => launch(args, { cwd: dir.path }).finished;

  it.each([
    ["files", "site", ["--root", "new/site"], "/api/time", "time"],
    ["app", "app", ["--app", "new/app.ts"], "/time", "workerSince"],
  ])(
    "writes %s that answer as they are, with a configuration without mistakes",
    async (template, pool, target, path, key) => {
      const written = await run("init", "new", "--template", template);
      expect(written).toMatchObject({ code: 0, stderr: "" });
      expect(written.stdout).toMatch(new RegExp(`^ {2}holdfast serve new/${target[1]?.slice(4)}$`, "m"));
      const reply = await run("request", path, ...target);
      expect(JSON.parse(reply.stdout)).toHaveProperty(key);
      // Started by root, a server's configuration has to name a user; nobody else needs one.
      const config = join(dir.path, "new/holdfast.toml");
      if (process.getuid?.() === 0)
        dir.write("new/holdfast.toml", `${readFileSync(config, "utf8")}allow_root = true\n`);
      expect(await run("check", "-c", config)).toMatchObject({ code: 0, stderr: "" });
      const holdfast = launch(["start", "-c", config]);
      await holdfast.line(/"msg":"serving"/);
      const client = await connectFastCgi({ path: join(dir.path, `new/run/${pool}.sock`) });
      const { status } = await client.request({
        params: { REQUEST_METHOD: "GET", REQUEST_URI: "/", SCRIPT_NAME: "/" },
      });
      await client.close();
      expect(status).toBe(200);
    },
  );

  it("goes into the current folder unless another is named, beside what is there", async () => {
    dir.write("notes.txt", "mine");
    expect(await run("init")).toMatchObject({ code: 0 });
    expect(readdirSync(dir.path).sort()).toEqual(
      [".gitignore", "holdfast.toml", "notes.txt", "package.json", "run", "site", "tsconfig.json"].sort(),
    );
  });

  it("writes nothing where one of its files is there already", async () => {
    dir.write("site/index.ts", "mine");
    expect(await run("init")).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/site\/index\.ts is there already\n {2}nothing was written/),
    });
    expect(readFileSync(join(dir.path, "site/index.ts"), "utf8")).toBe("mine");
    expect(existsSync(join(dir.path, "holdfast.toml"))).toBe(false);
  });

  it("writes nothing where a link that leads nowhere has one of its names", async () => {
    symlinkSync(join(dir.path, "nowhere"), join(dir.path, "holdfast.toml"));
    expect(await run("init")).toMatchObject({ code: 64, stderr: expect.stringContaining("is there already") });
    expect(readdirSync(dir.path)).toEqual(["holdfast.toml"]);
  });

  it("knows no other templates", async () => {
    expect(await run("init", "--template", "flies")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("files, app"),
    });
  });
});

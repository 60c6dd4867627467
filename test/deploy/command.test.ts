// `holdfast apache` as a person runs it.

import { join } from "node:path";
import { launcher } from "../support/launch.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

const CONFIG = `
[pools.www]
listen = "./www.sock"
root = "./www"
[pools.shop]
listen = "127.0.0.1:9000"
app = "./shop/app.ts"
mount = "/shop"
`;

describe("`holdfast apache`", () => {
  const launch = launcher();
  const tempDir = tempDirs();
  let dir: TempDir;

  beforeEach(() => {
    dir = tempDir();
    dir.write("www/index.ts", "");
    dir.write("shop/app.ts", "");
    dir.write("holdfast.toml", CONFIG);
  });

  const run = (...args: string[]) => launch(["apache", "-c", join(dir.path, "holdfast.toml"), ...args]).finished;

  it("prints every pool, each in the layout that suits it", async () => {
    const { code, stdout, stderr } = await run();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("pool www: ");
    expect(stdout).toContain("SetHandler");
    expect(stdout).toContain('ProxyPass "/shop" "fcgi://127.0.0.1:9000"');
  });

  it("prints one pool in the layout that is asked for", async () => {
    const { code, stdout } = await run("--pool", "shop", "--layout", "front-controller", "--document-root", dir.path);
    expect(code).toBe(0);
    expect(stdout).not.toContain("pool www");
    expect(stdout).toContain(`Alias "/shop" "${dir.path}"`);
    expect(stdout).toContain("FallbackResource");
  });

  describe("where Apache would send what a middleware guards", () => {
    beforeEach(() => {
      dir.write("www/admin/_middleware.ts", "export const authenticate = () => new Response(null, { status: 401 });");
      dir.write("www/admin/index.ts", "");
      dir.write("www/admin/notes.js", "");
      dir.write("www/admin/deep/report.pdf", "");
      dir.write("www/admin/logo.png", "");
      dir.write("www/admin/_drafts/plan.pdf", "");
      dir.write("www/open/_middleware.ts", "/** Of the author. */ export const log = () => {};");
      dir.write("www/open/style.css", "");
      dir.write("www/favicon.ico", "");
    });

    const WARNING =
      'warning: pool www: Apache sends admin/deep/report.pdf and 1 other file without asking admin/_middleware.ts (keep such files elsewhere, guard <Location "/admin"> in Apache as well, or have the pool send them: static = true, --layout prefix)\n';

    it("warns, and so does `holdfast check`", async () => {
      const { code, stdout, stderr } = await run();
      expect([code, stderr]).toEqual([0, WARNING]);
      expect(stdout).not.toContain("warning");
      const checked = await launch(["check", "-c", join(dir.path, "holdfast.toml")]).finished;
      expect([checked.code, checked.stderr]).toEqual([0, expect.stringContaining(WARNING)]);
    });

    it("does not where the pool sends its files, nor of files that lie elsewhere", async () => {
      expect((await run("--layout", "prefix")).stderr).toBe("");
      const given = ["--layout", "front-controller", "--document-root"];
      expect((await run("--pool", "www", ...given, join(dir.path, "www/open"))).stderr).toBe("");
      expect((await run("--pool", "www", ...given, dir.path)).stderr).toBe(WARNING);
      dir.write("holdfast.toml", CONFIG.replace('root = "./www"', 'root = "./www"\nstatic = true'));
      const checked = await launch(["check", "-c", join(dir.path, "holdfast.toml")]).finished;
      expect([checked.code, checked.stderr]).toEqual([0, expect.not.stringContaining("without asking")]);
    });
  });

  it("ends with 64 for a layout that does not suit, an unknown layout and an unknown pool", async () => {
    for (const args of [
      ["--layout", "files"],
      ["--layout", "flies"],
      ["--pool", "web"],
    ]) {
      const { code, stdout, stderr } = await run(...args);
      expect([code, stdout]).toEqual([64, ""]);
      expect(stderr).toMatch(/^holdfast: .*\n {2}\S/);
    }
  });

  it("ends with 78 for two pools at one place", async () => {
    dir.write("holdfast.toml", CONFIG.replace('mount = "/shop"', ""));
    const { code, stderr } = await run();
    expect([code, stderr]).toEqual([78, expect.stringContaining("both mounted at /")]);
  });
});

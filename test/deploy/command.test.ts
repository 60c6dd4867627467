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

import { chmodSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../src/base/make-folder.ts";
import { tempDirs } from "../support/temp-dir.ts";

describe("makeFolder", () => {
  const tempDir = tempDirs();

  it("makes a folder and those above it with the mode, and leaves what is there", async () => {
    const { path } = tempDir();
    await makeFolder(join(path, "a/b/c"), 0o700);
    expect(["a", "a/b", "a/b/c"].map((name) => statSync(join(path, name)).mode & 0o777)).toEqual([0o700, 0o700, 0o700]);
    chmodSync(join(path, "a"), 0o755);
    symlinkSync(join(path, "a"), join(path, "link"));
    await makeFolder(join(path, "a/b/c"), 0o700);
    await makeFolder(join(path, "link/b/d"), 0o700);
    expect(statSync(join(path, "a")).mode & 0o777).toBe(0o755);
    expect(statSync(join(path, "a/b/d")).isDirectory()).toBe(true);
  });

  it("may be asked by several at once", async () => {
    const { path } = tempDir();
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(path, "a/b/c"), 0o700)));
    expect(statSync(join(path, "a/b/c")).isDirectory()).toBe(true);
  });

  it("rejects with what the system says: a file on the way, or a place where nothing can be made", async () => {
    const { path, write } = tempDir();
    write("file", "");
    await expect(makeFolder(join(path, "file"), 0o700)).rejects.toThrow("EEXIST");
    await expect(makeFolder(join(path, "file/a"), 0o700)).rejects.toThrow("ENOTDIR");
    if (process.platform === "linux") await expect(makeFolder("/proc/holdfast/a", 0o700)).rejects.toThrow("ENOENT");
  });
});

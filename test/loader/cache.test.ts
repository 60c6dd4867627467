import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type CodeCache, openCodeCache } from "../../src/loader/cache.ts";
import { mapFileOf, mapOf, withInlineMap } from "../../src/loader/map-comment.ts";
import { tempDirs } from "../support/temp-dir.ts";

const newDir = tempDirs();

function open(folder: string | undefined): { cache: CodeCache; complaints: string[] } {
  const complaints: string[] = [];
  return { cache: openCodeCache(folder, (reason) => complaints.push(reason)), complaints };
}

/** Whether the cache had to make the code. */
function makes(cache: CodeCache, parts: string[], code = parts.join()): boolean {
  let made = false;
  const got = cache.get(parts, () => {
    made = true;
    return code;
  });
  expect(got).toBe(code);
  return made;
}

describe("the code cache", () => {
  it("keeps code between processes, in a folder of its user's alone", () => {
    const folder = join(newDir().path, "new", "cache");
    expect(makes(open(folder).cache, ["a"])).toBe(true);
    expect(makes(open(folder).cache, ["a"])).toBe(false);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const [entry = ""] = readdirSync(folder);
    expect(statSync(join(folder, entry)).mode & 0o777).toBe(0o600);
  });

  it("tells parts apart however they are cut", () => {
    const { cache } = open(newDir().path);
    expect(makes(cache, ["a", "b"], "1")).toBe(true);
    expect(makes(cache, ["ab"], "2")).toBe(true);
    expect(makes(cache, ["a,b"], "3")).toBe(true);
    expect(makes(cache, ["a", "b"], "1")).toBe(false);
  });

  it.each([
    ["cut short", (text: string) => text.slice(0, -2)],
    ["empty", () => ""],
    ["changed", (text: string) => text.replace("good", "evil")],
    ["of another format", () => "export {}"],
  ])("makes an entry anew that is %s", (_what, damage) => {
    const { path } = newDir();
    makes(open(path).cache, ["a"], "the good code");
    const entry = join(path, readdirSync(path)[0] ?? "");
    writeFileSync(entry, damage(readFileSync(entry, "utf8")));
    expect(makes(open(path).cache, ["a"], "the good code")).toBe(true);
    expect(makes(open(path).cache, ["a"], "the good code")).toBe(false);
  });

  describe("with a script that has a source map", () => {
    const MADE = withInlineMap("run();", "{}");
    const get = (folder: string) => {
      let made = 0;
      const code = open(folder).cache.get(["a"], () => {
        made++;
        return MADE;
      });
      return { code, made, map: mapOf(code) };
    };

    it("keeps the map in a file of its own, for the user alone, which the script names", () => {
      const { path } = newDir();
      const { code, made, map } = get(path);
      const file = mapFileOf(code) ?? "";
      expect([made, map, code.includes("base64")]).toEqual([1, "{}", false]);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(get(path)).toEqual({ code, made: 0, map });
    });

    it("makes both anew when the map is gone, or the folder was moved", () => {
      const dir = newDir();
      const [before, after] = [join(dir.path, "before"), join(dir.path, "after")];
      rmSync(mapFileOf(get(before).code) ?? "");
      expect(get(before)).toMatchObject({ made: 1, map: "{}" });
      renameSync(before, after);
      const moved = get(after);
      expect(moved).toMatchObject({ made: 1, map: "{}" });
      expect(dirname(mapFileOf(moved.code) ?? "")).toBe(after);
      expect(get(after).made).toBe(0);
    });

    it("leaves it inside where nothing can be kept", () => {
      expect(openCodeCache(undefined, () => {}).get(["a"], () => MADE)).toBe(MADE);
    });
  });

  it("stores nothing when making fails, and leaves no file behind", () => {
    const { path } = newDir();
    const fail = (): string => {
      throw new Error("syntax");
    };
    expect(() => open(path).cache.get(["a"], fail)).toThrow("syntax");
    expect(readdirSync(path)).toEqual([]);
  });

  it("is not used where others could write to it", () => {
    const { path } = newDir();
    chmodSync(path, 0o770);
    const { cache, complaints } = open(path);
    expect(complaints).toEqual([expect.stringContaining(`chmod 700 ${path}`)]);
    expect([makes(cache, ["a"]), makes(cache, ["a"])]).toEqual([true, true]);
    expect(readdirSync(path)).toEqual([]);
  });

  it("is not used where its folder is a link or a file", () => {
    const dir = newDir();
    mkdirSync(join(dir.path, "real"));
    symlinkSync(join(dir.path, "real"), join(dir.path, "link"));
    for (const folder of [join(dir.path, "link"), dir.write("file", "")]) {
      const { cache, complaints } = open(folder);
      expect(complaints).toHaveLength(1);
      expect([makes(cache, ["a"]), makes(cache, ["a"])]).toEqual([true, true]);
    }
  });

  it("keeps nothing without a folder", () => {
    const { cache, complaints } = open(undefined);
    expect([makes(cache, ["a"]), makes(cache, ["a"]), complaints]).toEqual([true, true, []]);
  });

  it("gives up writing, and says so once, where the folder goes away", () => {
    const dir = newDir();
    const { cache, complaints } = open(join(dir.path, "cache"));
    dir.remove();
    expect([makes(cache, ["a"]), makes(cache, ["b"])]).toEqual([true, true]);
    expect(complaints).toHaveLength(1);
  });

  it("drops the older half of too many entries when it is opened", () => {
    const { path } = newDir();
    for (let n = 0; n < 8193; n += 1) {
      const entry = join(path, `${n}.js`);
      writeFileSync(entry, "");
      if (n < 100) utimesSync(entry, n, n);
    }
    open(path);
    const left = readdirSync(path);
    expect(left).toHaveLength(4096);
    expect(left).not.toContain("0.js");
  });
});

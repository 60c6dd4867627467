import { unlinkSync, writeFileSync } from "node:fs";
import type { InitContext } from "../../src/app/context.ts";
import type { Loader } from "../../src/loader/hooks.ts";
import { Apps } from "../../workers/apps.ts";
import { moduleApp } from "../../workers/kinds/module.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { tempDirs } from "../support/temp-dir.ts";

const newDir = tempDirs();
const init: Omit<InitContext, "file"> = {
  id: 1,
  generation: 1,
  pool: "www",
  env: {},
  log: { error() {}, warn() {}, info() {}, debug() {} },
};

/** Counts what is asked of it; every import gives what `exports` says at that time. */
class FakeLoader implements Loader {
  imports = 0;
  readonly forgotten: string[][] = [];
  exports: () => Record<string, unknown> = () => ({ fetch: () => new Response("x") });

  async import(): Promise<Record<string, unknown>> {
    this.imports += 1;
    return this.exports();
  }

  read(): { source: string; format: undefined } {
    return { source: "", format: undefined };
  }

  forget(files: Iterable<string>): void {
    this.forgotten.push([...files]);
  }
}

function setUp(): { apps: Apps; loader: FakeLoader; clock: FakeClock } {
  const loader = new FakeLoader();
  const clock = new FakeClock();
  return { apps: new Apps({ loader, kind: moduleApp, init }, clock), loader, clock };
}

describe("the apps of a worker", () => {
  it("are loaded and initialised once each, however many ask at the same time", async () => {
    const { apps, loader } = setUp();
    let inits = 0;
    loader.exports = () => ({ init: ({ file }: InitContext) => `${file} ${++inits}`, fetch() {} });
    const [one, two] = await Promise.all([apps.get("/a.ts"), apps.get("/a.ts")]);
    expect(one).toBe(two);
    expect(apps.get("/a.ts")).toBe(one);
    expect([one.state, loader.imports]).toEqual(["/a.ts 1", 1]);
    expect((await apps.get("/b.ts")).state).toBe("/b.ts 2");
  });

  it("that do not load are Fault BOOT with the author's stack, from memory for a second", async () => {
    const { apps, loader } = setUp();
    const error = new TypeError("no such thing");
    loader.exports = () => {
      throw error;
    };
    await expect(apps.get("/a.ts")).rejects.toMatchObject({
      code: "BOOT",
      message: "/a.ts did not load: TypeError: no such thing",
      stack: error.stack,
      cause: error,
    });
    expect(() => apps.get("/a.ts")).toThrow("no such thing");
    expect(loader.imports).toBe(1);
  });

  it.each([
    ["EMFILE", "EMFILE: too many open files, open '/a.ts'"],
    ["ERR_INVALID_PACKAGE_CONFIG", "Cannot read package config /package.json: too many open files."],
  ])("that were not read because descriptors were short (%s) are read again a second later", async (code, message) => {
    const { apps, loader, clock } = setUp();
    const dir = newDir();
    const file = dir.write("a.ts", "");
    const { exports } = loader;
    loader.exports = () => {
      throw Object.assign(new Error(message), { code });
    };
    await expect(apps.get(file)).rejects.toThrow(message);
    loader.exports = exports;
    expect(() => apps.get(file)).toThrow(message);
    clock.advance(1000);
    expect((await apps.get(file)).file).toBe(file);
    // Node remembers what a module's import could not read.
    expect(loader.forgotten).toEqual([[file]]);
  });

  it.each([
    ["Cannot find package 'pg' imported from /a.ts", "pg"],
    ["Cannot find package '@redis/client' imported from /a.ts", "@redis/client"],
    ["Cannot find module 'lodash/fp.js'\nRequire stack:\n- /a.cjs", "lodash"],
    ["Cannot find module '/srv/_gone.ts' imported from /srv/a.ts", undefined],
    ["Cannot find module './_gone'\nRequire stack:\n- /a.cjs", undefined],
    ["Cannot find package '@/gone' imported from /a.ts", undefined],
  ])("whose import finds nothing (%j) tell which package is to be installed: %s", async (message, name) => {
    const { apps, loader } = setUp();
    loader.exports = () => {
      throw new Error(message);
    };
    const hint = name === undefined ? undefined : expect.stringContaining(`npm install ${name}\``);
    await expect(apps.get("/a.ts")).rejects.toMatchObject({ code: "BOOT", hint });
  });

  it("that did not load are tried again when one of their files has changed, and read anew", async () => {
    const { apps, loader, clock } = setUp();
    const dir = newDir();
    const a = dir.write("a.ts", "");
    const b = dir.write("b.ts", "");
    const broken = (): never => {
      apps.noticed(a);
      apps.noticed(b);
      throw new Error("broken");
    };
    loader.exports = broken;
    await expect(apps.get(a)).rejects.toThrow("broken");
    clock.advance(1000);
    expect(() => apps.get(a)).toThrow("broken");
    expect(loader.imports).toBe(1);
    writeFileSync(b, "changed");
    expect(() => apps.get(a)).toThrow("broken");
    clock.advance(1000);
    await expect(apps.get(a)).rejects.toThrow("broken");
    expect([loader.imports, loader.forgotten]).toEqual([2, [[a, b]]]);
    unlinkSync(b);
    clock.advance(1000);
    loader.exports = () => ({ fetch() {} });
    expect((await apps.get(a)).file).toBe(a);
  });

  it("that failed of a module that another one has read are tried again with it, and share what it is then", async () => {
    const { apps, loader, clock } = setUp();
    const dir = newDir();
    const [a, b, shared] = ["a.ts", "b.ts", "_shared.ts"].map((name) => dir.write(name, "")) as [
      string,
      string,
      string,
    ];
    const error = new Error("broken");
    const broken =
      (...read: readonly string[]) =>
      (): never => {
        for (const file of read) apps.noticed(file);
        throw error;
      };
    loader.exports = broken(a, shared);
    await expect(apps.get(a)).rejects.toThrow("broken");
    // Node has its error by now, and does not read it again.
    loader.exports = broken(b);
    await expect(apps.get(b)).rejects.toThrow("broken");
    writeFileSync(shared, "mended");
    clock.advance(1000);
    const works =
      (...read: readonly string[]) =>
      () => {
        for (const file of read) apps.noticed(file);
        return { fetch() {} };
      };
    loader.exports = works(a, shared);
    expect((await apps.get(a)).file).toBe(a);
    loader.exports = works(b);
    expect((await apps.get(b)).file).toBe(b);
    expect(loader.forgotten).toEqual([[a, shared], [b]]);
  });

  it("whose init failed are initialised again after a second, without being read anew", async () => {
    const { apps, loader, clock } = setUp();
    let up = false;
    loader.exports = () => ({
      init: () => (up ? "connected" : Promise.reject(new Error("no database"))),
      fetch() {},
    });
    await expect(apps.get("/a.ts")).rejects.toThrow("no database");
    up = true;
    expect(() => apps.get("/a.ts")).toThrow("no database");
    clock.advance(1000);
    expect((await apps.get("/a.ts")).state).toBe("connected");
    expect(loader.forgotten).toEqual([]);
  });

  it("are disposed in reverse order, each whatever happens to the others", async () => {
    const { apps, loader, clock } = setUp();
    const disposed: string[] = [];
    const failures: string[] = [];
    loader.exports = () => ({
      init: ({ file }: InitContext) => file,
      fetch() {},
      dispose: async (file: string) => {
        disposed.push(file);
        if (file === "/b.ts") throw new Error("stuck");
      },
    });
    for (const file of ["/a.ts", "/b.ts", "/c.ts"]) await apps.get(file);
    await apps.dispose(1000, (file, error) => failures.push(`${file} ${(error as Error).message}`));
    expect(disposed).toEqual(["/c.ts", "/b.ts", "/a.ts"]);
    expect(failures).toEqual(["/b.ts stuck"]);
    await apps.dispose(1000, () => {});
    expect([disposed.length, clock.pending]).toEqual([3, 0]);
  });

  it("are waited for until the deadline, and then only told to end", async () => {
    const { apps, loader, clock } = setUp();
    const disposed: string[] = [];
    loader.exports = () => ({
      init: ({ file }: InitContext) => file,
      fetch() {},
      dispose: (file: string) => {
        disposed.push(file);
        return new Promise(() => {});
      },
    });
    for (const file of ["/a.ts", "/b.ts"]) await apps.get(file);
    const over = apps.dispose(1000, () => {});
    expect(disposed).toEqual(["/b.ts"]);
    clock.advance(1000);
    while (disposed.length < 2) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(0);
    await over;
    expect(disposed).toEqual(["/b.ts", "/a.ts"]);
  });
});

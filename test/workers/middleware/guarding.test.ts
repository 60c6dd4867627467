import { renameSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Params } from "../../../src/fastcgi/name-values.ts";
import { Files } from "../../../workers/files.ts";
import { installRequest } from "../../../workers/request.ts";
import { installResponse } from "../../../workers/response.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { type Modules, siteHost } from "../../support/site-host.ts";
import { makeTempDir, type TempDir, tempDirs } from "../../support/temp-dir.ts";

installRequest();
installResponse();

const newDir = tempDirs();

describe("the middleware around", () => {
  let dir: TempDir;
  let root: string;
  let files: Files;

  beforeEach(() => {
    dir = makeTempDir();
    root = join(dir.path, "www");
    for (const name of [
      "index.ts",
      "[...all].ts",
      "admin/_middleware.ts",
      "admin/secret.ts",
      "admin/logo.png",
      "admin/deep/er.ts",
      "admin/users/_middleware.mjs",
      "admin/users/[id]/_middleware.cjs",
      "admin/users/[id]/edit.ts",
      "open/x.ts",
      "[any]/_middleware.ts",
      "[any]/only.ts",
    ]) {
      dir.write(`www/${name}`, "");
    }
    symlinkSync("../admin/secret.ts", join(root, "open/link.ts"));
    symlinkSync("admin", join(root, "alias"));
    files = new Files({ root, mount: "", index: ["index.ts"], serveStatic: true });
  });
  afterEach(() => dir.remove());

  const around = (url: string, variables: Readonly<Record<string, string>> = {}): string[] =>
    (files.resolve(Params.from(Object.entries({ REQUEST_URI: url, ...variables }))).middleware ?? []).map((file) =>
      file.slice(root.length + 1),
    );

  it.each([
    ["a file of a folder", "/admin/secret", ["admin/_middleware.ts"]],
    ["a file that is no handler", "/admin/logo.png", ["admin/_middleware.ts"]],
    ["what is below", "/admin/deep/er", ["admin/_middleware.ts"]],
    [
      "several folders, outermost first, those of parameters too",
      "/admin/users/7/edit",
      ["admin/_middleware.ts", "admin/users/_middleware.mjs", "admin/users/[id]/_middleware.cjs"],
    ],
    ["what is not there", "/admin/nothing", ["admin/_middleware.ts"]],
    ["a folder without its slash", "/admin/users", ["admin/_middleware.ts", "admin/users/_middleware.mjs"]],
    ["what is hidden", "/admin/_middleware.ts", ["admin/_middleware.ts"]],
    ["what a [...rest] further out answers under the folder's name", "/admin/x/y", ["admin/_middleware.ts"]],
    ["a link into the folder", "/open/link", ["admin/_middleware.ts"]],
    ["the folder by another name", "/alias/secret", ["admin/_middleware.ts"]],
    ["a folder of brackets where it answers", "/some/only", ["[any]/_middleware.ts"]],
    ["nothing else: not a folder of brackets that has no answer", "/some/x", []],
    ["nothing else: a folder beside", "/open/x", []],
    ["nothing else: the root", "/", []],
  ])("%s", (_what, url, expected) => {
    expect(around(url)).toEqual(expected);
  });

  it("a file that the web server names", () => {
    const variables = { SCRIPT_NAME: "/elsewhere", SCRIPT_FILENAME: join(root, "admin/secret.ts") };
    expect(around("/elsewhere", variables)).toEqual(["admin/_middleware.ts"]);
    expect(around("/elsewhere", { ...variables, SCRIPT_FILENAME: join(root, "alias/secret.ts") })).toEqual([
      "admin/_middleware.ts",
    ]);
  });

  it.each([
    ["/admin%2fsecret"],
    ["/%61dmin/secret"],
    ["/admin/./secret"],
    ["//admin/secret"],
    ["/open/../admin/secret"],
    ["/admin/secret.ts"],
    ["/admin/secret.ts/x"],
    ["/admin/secret/"],
    ["/ADMIN/secret"],
    ["/admin;x/secret"],
    ["/alias/secret.ts/../x"],
  ])("is not passed by with %s", (url) => {
    const found = files.resolve(
      Params.from([
        ["REQUEST_URI", url],
        ["SCRIPT_NAME", "/admin/secret"],
      ]),
    );
    const reached = found.kind === "handler" && found.file === join(root, "admin/secret.ts");
    if (reached) expect(found.middleware).toEqual([join(root, "admin/_middleware.ts")]);
    else expect(found.kind === "handler" ? found.file : found.kind).not.toContain("secret");
  });
});

describe("whatever is asked", () => {
  it("what lies in a guarded folder is never found without its guard", () => {
    const dir = newDir();
    const root = join(dir.path, "www");
    for (const name of ["admin/_middleware.ts", "admin/index.ts", "admin/secret.ts", "admin/[id].ts", "admin/x.txt"]) {
      dir.write(`www/${name}`, "");
    }
    dir.write("www/open/[...rest].ts", "");
    dir.write("www/[any]/secret.ts", "");
    symlinkSync("../admin", join(root, "open/inside"));
    symlinkSync("../admin/secret.ts", join(root, "open/secret.ts"));
    symlinkSync("..", join(root, "open/up"));
    symlinkSync(root, join(dir.path, "other-name"));
    const guard = join(root, "admin/_middleware.ts");
    const name = fc.constantFrom(
      ...["admin", "open", "inside", "up", "secret", "secret.ts", "index.ts", "x.txt", "7", "[id].ts", "[any]", ""],
      ...["..", ".", "%2e%2e", "%61dmin", "%2f", "_middleware.ts", "other"],
    );
    const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((names) => names.join("/"));
    let guarded = 0;
    fc.assert(
      fc.property(
        path,
        fc.option(path),
        fc.option(path),
        fc.constantFrom(root, `${dir.path}/other-name`),
        (...asked) => {
          const [url, script, file, base] = asked;
          const files = new Files({
            root: `${dir.path}/other-name`,
            mount: "",
            index: ["index.ts"],
            serveStatic: true,
          });
          const variables: [string, string][] = [["REQUEST_URI", `/${url}`]];
          if (script !== null) variables.push(["SCRIPT_NAME", `/${script}`]);
          if (file !== null) variables.push(["SCRIPT_FILENAME", `${base}/${file}`]);
          const found = files.resolve(Params.from(variables));
          if (!("file" in found) || !found.file.startsWith(join(root, "admin/"))) return;
          guarded += 1;
          expect(found.middleware).toContain(guard);
        },
      ),
      { numRuns: 3000 },
    );
    expect(guarded).toBeGreaterThan(20);
  });
});

describe("a middleware file", () => {
  it("that appears counts within a second; one that goes away stays in force in this worker", () => {
    const dir = newDir();
    dir.write("www/a/x.ts", "");
    const clock = new FakeClock();
    const root = join(dir.path, "www");
    const files = new Files({ root, mount: "", index: [], serveStatic: false }, clock);
    const count = (): number => files.resolve(Params.from([["REQUEST_URI", "/a/x"]])).middleware?.length ?? 0;
    expect(count()).toBe(0);
    const file = dir.write("www/a/_middleware.ts", "");
    clock.advance(1000);
    expect(count()).toBe(1);
    // As a deployment may do it: for a moment there is none.
    renameSync(file, `${file}.new`);
    clock.advance(5000);
    expect(count()).toBe(1);
  });

  it("is looked for again before anything is remembered for longer than a second, whatever the URL", () => {
    const dir = newDir();
    dir.write("www/a/[x].ts", "");
    const clock = new FakeClock();
    const files = new Files({ root: join(dir.path, "www"), mount: "", index: [], serveStatic: false }, clock);
    const count = (url: string): number => files.resolve(Params.from([["REQUEST_URI", url]])).middleware?.length ?? 0;
    expect(count("/a/1")).toBe(0);
    dir.write("www/_middleware.ts", "");
    clock.advance(999);
    count("/a/2");
    clock.advance(1);
    expect([count("/a/1"), count("/a/3")]).toEqual([1, 1]);
  });

  it.each([
    ["a link to nothing", (path: string) => symlinkSync("/nowhere", path)],
    ["a link out of the root", (path: string) => symlinkSync("/etc/hostname", path)],
    ["a folder", (path: string) => symlinkSync(".", path)],
  ])("that is %s closes its folder", async (_what, make) => {
    const dir = newDir();
    const { get, root, loaded } = await siteHost(dir, { "a/x.ts": { default: () => new Response("secret") } });
    make(join(root, "a/_middleware.ts"));
    const closed = await get("/a/x");
    expect([closed.status, closed.text.includes("secret"), loaded]).toEqual([500, false, []]);
    unlinkSync(join(root, "a/_middleware.ts"));
    expect((await get("/a/x")).text).toBe("secret");
  });

  const broken: [string, Modules[string], RegExp][] = [
    ["throws", new Error("no database"), /_middleware\.ts did not load: Error: no database/],
    ["exports nothing", {}, /exports no phase/],
    ["misspells a phase", { default: { acess: () => undefined } }, /exports acess, which is no phase/],
    ["misspells a named one", { wrap: () => undefined, acess: () => undefined }, /exports acess, which is no phase/],
    ["has a phase that is no function", { default: { access: true } }, /exports access, which is no function/],
    ["has a named phase that is no function", { access: true, wrap: () => 0 }, /exports access, which is no function/],
    ["says a phase twice", { default: { access: () => 0 }, access: () => 1 }, /exports access twice/],
    ["exports a class", { default: class {} }, /exports a class/],
    ["exports text", { default: "deny" }, /is no middleware/],
    ["fails in init", { default: { init: () => Promise.reject(new Error("no key")), wrap: () => 0 } }, /no key/],
  ];
  it.each(broken)("that %s closes its folder, and says why", async (_what, module, message) => {
    const { get, loaded } = await siteHost(newDir(), {
      "a/_middleware.ts": module,
      "a/x.ts": { default: () => new Response("secret") },
      "y.ts": { default: () => new Response("open") },
    });
    for (let times = 0; times < 2; times += 1) {
      const closed = await get("/a/x");
      expect([closed.status, closed.lines[0]?.message]).toEqual([500, expect.stringMatching(message)]);
      expect(closed.text).not.toContain("secret");
    }
    expect(loaded).not.toContain("a/x.ts");
    expect((await get("/y")).text).toBe("open");
  });

  it("may export its phases by name, as an object, as an instance, or from CommonJS", async () => {
    class Guard {
      #word = "instance";
      access() {
        return new Response(this.#word, { status: 403 });
      }
    }
    const answer = (text: string) => () => new Response(text, { status: 403 });
    const x = { default: () => new Response("x") };
    const common = { access: answer("cjs") };
    const { get } = await siteHost(newDir(), {
      "named/_middleware.ts": { access: answer("named"), LIMIT: 5 },
      "named/x.ts": x,
      "object/_middleware.ts": { default: { access: answer("object") } },
      "object/x.ts": x,
      "instance/_middleware.ts": { default: new Guard() },
      "instance/x.ts": x,
      "cjs/_middleware.cjs": { default: common, access: common.access, "module.exports": common },
      "cjs/x.ts": x,
    });
    for (const name of ["named", "object", "instance", "cjs"]) expect((await get(`/${name}/x`)).text).toBe(name);
  });

  it("is initialised once, and disposed after the handlers that it surrounds", async () => {
    const seen: string[] = [];
    const life = (name: string) => ({
      init: () => void seen.push(`init ${name}`),
      dispose: () => void seen.push(`dispose ${name}`),
    });
    const { get, host } = await siteHost(newDir(), {
      "_middleware.ts": { ...life("middleware"), wrap: (_r: unknown, _c: unknown, next: () => unknown) => next() },
      "x.ts": { ...life("handler"), default: () => new Response("x") },
    });
    await Promise.all([get("/x"), get("/x"), get("/missing")]);
    await host.drain(performance.now() + 5000);
    expect(seen).toEqual(["init middleware", "init handler", "dispose handler", "dispose middleware"]);
  });

  it("is told to the watch where it would be, so that a new one counts at once", async () => {
    const { get, looked, root } = await siteHost(newDir(), { "a/b/x.ts": { default: () => new Response("x") } });
    await get("/a/b/x");
    for (const folder of ["", "a/", "a/b/"]) expect(looked).toContain(`${root}/${folder}_middleware.ts`);
    const before = looked.length;
    rmSync(join(root, "a/b/x.ts"));
    await get("/a/b/x");
    expect(looked).toHaveLength(before);
  });
});

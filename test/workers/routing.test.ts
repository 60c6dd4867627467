import { symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Folders } from "../../workers/folders.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Ask, resolveIn, WebRoot } from "../support/web-root.ts";

let site: WebRoot;
let root: string;

beforeAll(() => {
  site = new WebRoot([
    "index.ts",
    "style.css",
    "users/[id].ts",
    "users/me.ts",
    "users/index.ts",
    "users/new/form.ts",
    "users/[id]/orders.ts",
    "users/[id]/orders/[order].ts",
    "users/[id]/orders/[order]/[...lines].ts",
    "teams/[team]/index.ts",
    "bare/[thing]/x.ts",
    "docs/[...path].ts",
    "docs/api/index.ts",
    "docs/empty/readme.txt",
    "docs/_hidden.ts",
    "both/[name].ts",
    "both/[...rest].ts",
    "both/[name]/deep.ts",
    "hostile/[__proto__].ts",
    "hostile/[constructor]/[toString].ts",
    "literal/[a b].ts",
    "literal/[].ts",
    "literal/[[x]].ts",
    "literal/[...x]/y.ts",
    "literal/[x].css",
    "twice/[a].ts",
    "twice/[b].ts",
    "same/[a].ts",
    "same/[a].js",
    "named/[a]/[a].ts",
    "outside/readme.txt",
    "pages/[slug].tsp",
  ]);
  root = site.path;
  symlinkSync(site.write("../secret.ts"), join(root, "outside/[x].ts"));
});

afterAll(() => site.remove());

const resolve = (url: string, ask: Ask = {}) => site.resolve(url, ask);
const find = (url: string, ask: Ask = {}): string => site.find(url, ask);

describe("a name in brackets stands for any name of a URL", () => {
  it.each([
    ["/users/7", 'users/[id].ts /users/7 {"id":"7"}'],
    ["/users/me", "users/me.ts /users/me"],
    ["/users/", "users/index.ts /users/index.ts"],
    ["/users/7/orders", 'users/[id]/orders.ts /users/7/orders {"id":"7"}'],
    ["/users/7/orders/9", 'users/[id]/orders/[order].ts /users/7/orders/9 {"id":"7","order":"9"}'],
    [
      "/users/7/orders/9/a/b",
      'users/[id]/orders/[order]/[...lines].ts /users/7/orders/9 /a/b {"id":"7","order":"9","lines":"a/b"}',
    ],
    ["/users/7/orders.ts/x", 'users/[id]/orders.ts /users/7/orders.ts /x {"id":"7"}'],
    ["/teams/red/", 'teams/[team]/index.ts /teams/red/index.ts {"team":"red"}'],
    ["/teams/red", "folder"],
    ["/pages/about", 'pages/[slug].tsp /pages/about {"slug":"about"}'],
    ["/bare/x", "none"],
    ["/bare/x/", "none"],
  ])("%s", (url, found) => {
    expect(find(url)).toBe(found);
  });

  it.each([
    ["/users/a%20b", "a b"],
    ["/users/%C3%A9", "é"],
    ["/users/%2541", "%41"],
    ["/users/a%3Fb", "a?b"],
    ["/users/x.ts", "x.ts"],
    ["/users/[id]", "[id]"],
    ["/users/%5Bid%5D.ts", "[id].ts"],
    ["/users/constructor", "constructor"],
    ["/users/a'%22%3Cscript%3E", "a'\"<script>"],
    ["/users/a;b=c", "a;b=c"],
    ["/users/a+b", "a+b"],
  ])("%s decoded once: %s", (url, id) => {
    expect(resolve(url)).toMatchObject({ kind: "handler", params: { id } });
  });

  it("but takes no PATH_INFO: that is for files that are named", () => {
    expect(find("/both/x", {})).toBe('both/[name].ts /both/x {"name":"x"}');
    expect(find("/users/7/")).toBe("none");
    expect(find("/users/7/nothing")).toBe("none");
  });
});

describe("[...rest] stands for what nothing else answers", () => {
  it.each([
    ["/docs/a", 'docs/[...path].ts /docs /a {"path":"a"}'],
    ["/docs/a/b%20c/", 'docs/[...path].ts /docs /a/b c/ {"path":"a/b c/"}'],
    ["/docs/", 'docs/[...path].ts /docs / {"path":""}'],
    ["/docs", "folder"],
    ["/docs/api/", "docs/api/index.ts /docs/api/index.ts"],
    ["/docs/api/x", 'docs/[...path].ts /docs /api/x {"path":"api/x"}'],
    ["/docs/empty/", 'docs/[...path].ts /docs /empty/ {"path":"empty/"}'],
    ["/docs/empty", 'docs/[...path].ts /docs /empty {"path":"empty"}'],
    ["/both/x/y", 'both/[...rest].ts /both /x/y {"rest":"x/y"}'],
    ["/both/x/deep", 'both/[name]/deep.ts /both/x/deep {"name":"x"}'],
  ])("%s", (url, found) => {
    expect(find(url)).toBe(found);
  });

  it("of the whole site, with SCRIPT_NAME up to the mount", () => {
    site.write("../catch/[...all].ts");
    const at = (url: string, mount: string): unknown => resolve(url, { root: join(site.folder, "catch"), mount });
    expect(at("/a/b", "")).toMatchObject({ scriptName: "", pathInfo: "/a/b", params: { all: "a/b" } });
    expect(at("/shop/a", "/shop")).toMatchObject({ scriptName: "/shop", pathInfo: "/a" });
    expect(at("/", "")).toMatchObject({ scriptName: "", pathInfo: "/", params: { all: "" } });
  });
});

describe("no name in brackets answers for", () => {
  it.each([
    ["hidden names", ["/users/.env", "/users/_x", "/docs/a/.git/config", "/docs/node_modules/x", "/docs/_hidden"]],
    ["empty names", ["/users//orders", "/users/%2f"]],
    [
      "encoded slashes, backslashes and control characters",
      ["/users/a%2fb", "/users/a%5cb", "/users/%00", "/docs/%0a"],
    ],
    ["dots", ["/users/%2e%2e%2f", "/docs/%2e%2e%5c"]],
    ["malformed escapes", ["/users/%", "/users/%ff", "/docs/a/%c3"]],
    ["what the pool has on disk and does not serve", ["/docs/empty/readme.txt", "/literal/[x].css", "/users/new/x"]],
    ["a file that leads outside of the root", ["/outside/7"]],
  ])("%s", (_what, urls) => {
    expect(urls.map((url) => [url, find(url)])).toEqual(urls.map((url) => [url, "none"]));
  });

  it("paths that the web server reads otherwise", () => {
    expect(find("//users/7", { variables: { SCRIPT_NAME: "//users/7" } })).toBe("none");
    expect(find("//users//7", { variables: { SCRIPT_NAME: "/users/7" } })).toBe('users/[id].ts /users/7 {"id":"7"}');
  });

  it.each([
    ["/literal/%5Ba%20b%5D", "literal/[a b].ts /literal/[a b]"],
    ["/literal/%5B%5D", "literal/[].ts /literal/[]"],
    ["/literal/[[x]]", "literal/[[x]].ts /literal/[[x]]"],
    ["/literal/other", "none"],
    ["/literal/a/y", "none"],
  ])("other names: brackets around what is no name mean themselves (%s)", (url, found) => {
    expect(find(url)).toBe(found);
  });
});

describe("the web server's SCRIPT_FILENAME", () => {
  const mapped = (url: string, file: string, more: Readonly<Record<string, string>> = {}): string =>
    find(url, { variables: { SCRIPT_NAME: url, SCRIPT_FILENAME: join(root, file), ...more } });

  it("of a file that is not there leaves it to the URL, if it says what the URL says", () => {
    expect(mapped("/users/x.ts", "users/x.ts")).toBe('users/[id].ts /users/x.ts {"id":"x.ts"}');
    expect(mapped("/users/x.ts/orders", "users/x.ts", { SCRIPT_NAME: "/users/x.ts", PATH_INFO: "/orders" })).toBe(
      'users/[id]/orders.ts /users/x.ts/orders {"id":"x.ts"}',
    );
    expect(mapped("/users/7", "users/x.ts")).toBe("none");
    expect(mapped("//users/x.ts", "users/x.ts", { SCRIPT_NAME: "//users/x.ts" })).toBe("none");
  });

  it("of a file of brackets is the URL's to say, because it has the names", () => {
    expect(mapped("/users/[id].ts", "users/[id].ts")).toBe('users/[id].ts /users/[id].ts {"id":"[id].ts"}');
    expect(mapped("/users/[id]/orders.ts", "users/[id]/orders.ts")).toBe(
      'users/[id]/orders.ts /users/[id]/orders.ts {"id":"[id]"}',
    );
    expect(mapped("/elsewhere", "users/[id].ts")).toBe("none");
  });

  it("of a file that is there stands", () => {
    expect(mapped("/users/7", "users/me.ts")).toBe("users/me.ts");
  });
});

describe("params", () => {
  it("have no prototype, are frozen, and take any name that a file may have", () => {
    const one = resolve("/hostile/x");
    const two = resolve("/hostile/x/y");
    if (one.kind !== "handler" || two.kind !== "handler" || one.params === undefined) throw new Error("not found");
    expect(Object.getPrototypeOf(one.params)).toBeNull();
    expect(Object.isFrozen(one.params)).toBe(true);
    expect(Object.entries(one.params)).toEqual([["__proto__", "x"]]);
    expect(Object.entries(two.params ?? {})).toEqual([
      ["constructor", "x"],
      ["toString", "y"],
    ]);
  });

  it("never hold what could be two names, whatever the URL", () => {
    const part = fc.oneof(
      fc.constantFrom("..", "%2e%2e", "%2f", "%5c", "%00", "_x", ".x", "[id]", "%5B...path%5D", "x.ts", "é", "%ff"),
      fc.string({ maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.constantFrom("users", "docs", "both"), fc.array(part, { maxLength: 5 }), (folder, parts) => {
        let found: ReturnType<typeof resolve>;
        try {
          found = resolve(`/${folder}/${parts.join("/")}`);
        } catch (error) {
          expect(error).toMatchObject({ code: "REQUEST" });
          return;
        }
        if (found.kind !== "handler") return;
        expect(found.file.startsWith(`${root}/`)).toBe(true);
        for (const [name, value] of Object.entries(found.params ?? {})) {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          expect(value).not.toMatch(/[\\\0-\x1f\x7f]/);
          const names = name === "path" || name === "rest" || name === "lines" ? value.split("/") : [value];
          for (const each of names) expect(each).not.toMatch(/\/|^\.|^_|^node_modules$/);
        }
      }),
    );
  });
});

describe("files that contradict each other", () => {
  it("answer nothing: it is said which they are", () => {
    expect(() => resolve("/twice/x")).toThrow(
      expect.objectContaining({ code: "BOOT", message: expect.stringMatching(/\[a\]\.ts and .*\[b\]\.ts/) }),
    );
    expect(() => resolve("/named/1/2")).toThrow(
      expect.objectContaining({ code: "BOOT", message: expect.stringContaining('"a"') }),
    );
  });

  it("but extensions have their order", () => {
    expect(find("/same/x")).toBe('same/[a].ts /same/x {"a":"x"}');
  });
});

describe("a folder", () => {
  it("is read twice and no more as long as it does not change", () => {
    const clock = new FakeClock();
    const folders = new Folders(clock);
    const first = folders.dynamic(join(root, "users"));
    expect(folders.dynamic(join(root, "users"))).toBe(first);
    clock.advance(1000);
    const second = folders.dynamic(join(root, "users"));
    expect(second).not.toBe(first);
    clock.advance(1_000_000);
    expect(folders.dynamic(join(root, "users"))).toBe(second);
  });

  it("is read again when it has changed, and at the latest after a second", () => {
    const clock = new FakeClock();
    const files = site.files({ index: [] }, clock);
    const kind = (url: string): string => resolveIn(files, url).kind;
    site.write("fresh/x.ts");
    expect(kind("/fresh/1")).toBe("none");
    const file = site.write("fresh/[n].ts");
    clock.advance(1000);
    expect(kind("/fresh/1")).toBe("handler");
    unlinkSync(file);
    clock.advance(1000);
    expect(kind("/fresh/1")).toBe("none");
  });
});

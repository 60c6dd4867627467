import { mkdirSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FakeClock } from "../support/fake-clock.ts";
import { type Ask, resolveIn, WebRoot } from "../support/web-root.ts";

const INDEX = ["index.ts", "index.tsx", "index.js", "index.mjs", "index.html"];

let site: WebRoot;
let root: string;

beforeAll(() => {
  site = new WebRoot(
    [
      "index.ts",
      "hello.ts",
      "page.tsx",
      "old.js",
      "a b.ts",
      "é.ts",
      "v1.2.ts",
      "types.d.ts",
      "_private.ts",
      "capitals.TS",
      ".hidden.ts",
      ".ts",
      "lib.cts",
      "cat.jpg",
      "evil.ts.jpg",
      "style.css",
      "notes.txt~",
      "package.json",
      "tsconfig.build.json",
      "app.db",
      ".env",
      "both.ts",
      "both/index.ts",
      "api/users.ts",
      "api/_db.ts",
      "docs/index.html",
      "docs/guide.html",
      "empty/readme.txt",
      "_hidden/x.ts",
      ".git/x.ts",
      "node_modules/pkg/x.ts",
    ],
    { index: INDEX },
  );
  root = site.path;
  site.write("../outside.ts");
  site.write("../outside/x.ts");
  mkdirSync(join(root, "folder.ts"));
  symlinkSync(join(site.folder, "outside.ts"), join(root, "link-out.ts"));
  symlinkSync(join(site.folder, "outside"), join(root, "link-out"));
  symlinkSync("hello.ts", join(root, "link-in.ts"));
  symlinkSync("style.css", join(root, "link-type.ts"));
  symlinkSync("loop.ts", join(root, "loop.ts"));
  symlinkSync(root, join(site.folder, "current"));
});

afterAll(() => site.remove());

const find = (url: string, ask: Ask = {}): string => site.find(url, ask);

describe("a URL finds a handler", () => {
  it.each([
    ["/", "index.ts /index.ts"],
    ["/?a=/hello.ts", "index.ts /index.ts"],
    ["/hello.ts", "hello.ts /hello.ts"],
    ["/hello.ts?x", "hello.ts /hello.ts"],
    ["/hello", "hello.ts /hello"],
    ["/page", "page.tsx /page"],
    ["/old", "old.js /old"],
    ["/v1.2", "v1.2.ts /v1.2"],
    ["/a%20b.ts", "a b.ts /a b.ts"],
    ["/%C3%A9", "é.ts /é"],
    ["/hell%6F.ts", "hello.ts /hello.ts"],
    ["/api/users", "api/users.ts /api/users"],
    ["/hello.ts/", "hello.ts /hello.ts /"],
    ["/hello.ts/a/b", "hello.ts /hello.ts /a/b"],
    ["/hello/a/_b/.c", "hello.ts /hello /a/_b/.c"],
    ["/hello.ts/api/users.ts", "hello.ts /hello.ts /api/users.ts"],
    ["/hello.ts/%C3%A9%20/", "hello.ts /hello.ts /é /"],
    ["/both", "both.ts /both"],
    ["/both/", "both/index.ts /both/index.ts"],
    ["/link-in.ts", "hello.ts /link-in.ts"],
  ])("%s", (url, found) => {
    expect(find(url)).toBe(found);
  });

  it("under its mount only", () => {
    const mount = "/shop";
    expect(find("/shop/hello/x", { mount })).toBe("hello.ts /shop/hello /x");
    expect(find("/shop/", { mount })).toBe("index.ts /shop/index.ts");
    expect(find("/shop", { mount })).toBe("folder");
    expect(find("/shopping/hello", { mount })).toBe("none");
    expect(find("/hello", { mount })).toBe("none");
  });

  it("and a folder without its slash is told so", () => {
    expect(find("/docs", { serveStatic: true })).toBe("folder");
    expect(find("/docs")).toBe("none");
    expect(find("/empty")).toBe("none");
    expect(find("/empty/")).toBe("none");
  });

  it("by index names without extension too", () => {
    expect(find("/", { index: ["index"] })).toBe("index.ts /index.ts");
  });
});

describe("a URL finds nothing", () => {
  it.each([
    ["hidden files", ["/.hidden.ts", "/.hidden", "/.ts", "/.git/x.ts", "/.env", "/%2ehidden.ts"]],
    ["underscore files", ["/_private.ts", "/_private", "/%5Fprivate.ts", "/_hidden/x.ts", "/api/_db", "/api/_db.ts"]],
    ["packages", ["/node_modules/pkg/x.ts", "/node_modules/pkg/x", "/%6eode_modules/pkg/x.ts"]],
    [
      "files that are no handlers",
      ["/cat.jpg", "/style.css", "/types.d.ts", "/types.d", "/types", "/lib.cts", "/lib", "/evil.ts.jpg"],
    ],
    ["a script behind a file that is none", ["/cat.jpg/x.ts", "/cat.jpg/hello.ts", "/cat.jpg/.ts"]],
    [
      "what leaves the root",
      [
        "/../outside.ts",
        "/%2e%2e/outside.ts",
        "/api/../../outside.ts",
        "/..%2foutside.ts",
        "/link-out.ts",
        "/link-out/x.ts",
        "/link-out",
      ],
    ],
    ["a link to what is no handler, or to nothing", ["/link-type.ts", "/loop.ts", "/loop"]],
    ["encoded slashes", ["/api%2fusers.ts", "/api%2Fusers", "/hello.ts/a%2fb", "/cat.jpg%2fx.ts"]],
    ["NUL and control characters", ["/hello.ts%00", "/cat.jpg%00.ts", "/hello.ts/%00", "/hello.ts%0a", "/hello%7f.ts"]],
    ["backslashes", ["/api%5cusers.ts", "/hello.ts%5c..", "/..%5coutside.ts"]],
    ["twice encoded names", ["/hello%2ets%253F", "/hell%256F.ts", "/%252e%252e/outside.ts"]],
    [
      "other spellings",
      ["/HELLO.TS", "/hello.ts%20", "/hello.ts.", "/hello.ts;x", "/hello.TS", "/hello.ts%3Fx.ts", "/hello.ts~"],
    ],
    ["malformed escapes", ["/hello.ts%", "/hello%ff.ts", "/%c3.ts", "/hello.ts/%ff"]],
    ["folders named like scripts", ["/folder.ts", "/folder.ts/"]],
    ["names longer than any file's", [`/${"a".repeat(5000)}`, `/${"a/".repeat(2000)}x`]],
    ["prototype names", ["/constructor", "/__proto__", "/toString", "/hello.ts%23x"]],
  ])("for %s", (_what, urls) => {
    expect(urls.map((url) => [url, find(url, { serveStatic: false })])).toEqual(urls.map((url) => [url, "none"]));
  });
});

describe("a path that can be read in several ways", () => {
  it.each([
    ["//hello.ts", "/hello.ts", "hello.ts /hello.ts"],
    ["//hello.ts//a", "/hello.ts/a", "hello.ts /hello.ts /a"],
    ["/api//users.ts?x=//y", "/api/users.ts", "api/users.ts /api/users.ts"],
    ["//", "/", "index.ts /index.ts"],
    ["/api/../hello.ts", "/hello.ts", "hello.ts /hello.ts"],
    ["/api/%2E%2e//hello", "/hello", "hello.ts /hello"],
    ["/api//../users.ts", "/users.ts", "none"],
    ["/.//%C3%A9", "/é", "é.ts /é"],
  ])("%s finds what the web server's %s finds", (url, scriptName, found) => {
    expect(find(url, { variables: { SCRIPT_NAME: scriptName } })).toBe(found);
  });

  it("may be divided by the web server into SCRIPT_NAME and PATH_INFO", () => {
    expect(find("//hello.ts//a", { variables: { SCRIPT_NAME: "/hello.ts", PATH_INFO: "/a" } })).toBe(
      "hello.ts /hello.ts /a",
    );
  });

  it.each([
    ["//hello.ts", "//hello.ts"],
    ["/api//users.ts", "/api//users.ts"],
    ["//", "//"],
    ["/hello.ts//a", "/hello.ts//a"],
    ["/api/x//../users.ts", "/api/x/users.ts"],
    ["/api\\users.ts", "/api\\users.ts"],
    ["/api\\users.ts", "/api/users.ts"],
    ["/api/../hello.ts", "/api/../hello.ts"],
    ["//hello.ts", ""],
  ])("%s finds nothing where the web server's rules were asked about %s", (url, scriptName) => {
    expect(find(url, { variables: { SCRIPT_NAME: scriptName } })).toBe("none");
  });

  it("is what it is to the web server where that has mapped it to a file", () => {
    const variables = { SCRIPT_NAME: "/blog", SCRIPT_FILENAME: join(root, "hello.ts") };
    expect(find("//x/../blog", { variables })).toBe("hello.ts");
  });

  it("is not remembered for one that the web server reads otherwise", () => {
    const files = site.files();
    const kind = (scriptName: string): string => resolveIn(files, "//hello.ts", { SCRIPT_NAME: scriptName }).kind;
    expect([kind("/hello.ts"), kind("//hello.ts")]).toEqual(["handler", "none"]);
  });
});

describe("other files, where the pool serves them", () => {
  it.each([
    ["/style.css", "static style.css"],
    ["/cat.jpg", "static cat.jpg"],
    ["/evil.ts.jpg", "static evil.ts.jpg"],
    ["/docs/", "static docs/index.html"],
    ["/docs/guide.html", "static docs/guide.html"],
    ["/hello.ts", "hello.ts /hello.ts"],
    ["/types.d.ts", "none"],
    ["/lib.cts", "none"],
    ["/.env", "none"],
    ["/notes.txt~", "none"],
    ["/package.json", "none"],
    ["/tsconfig.build.json", "none"],
    ["/capitals.TS", "none"],
    ["/app.db", "none"],
    ["/style.css/x", "none"],
    ["/docs/guide.html/", "none"],
    ["/link-out/x.ts", "none"],
  ])("%s", (url, found) => {
    expect(find(url, { serveStatic: true })).toBe(found);
  });
});

describe("SCRIPT_FILENAME", () => {
  const mapped = (file: string, url = "/blog"): string =>
    find(url, { variables: { SCRIPT_FILENAME: file, SCRIPT_NAME: url } });

  it("names the file where the web server has mapped the URL, and its own SCRIPT_NAME and PATH_INFO stand", () => {
    expect(mapped(join(root, "hello.ts"))).toBe("hello.ts");
    expect(mapped(`proxy:fcgi://holdfast-www${join(root, "hello.ts")}`)).toBe("hello.ts");
    expect(mapped(`proxy:unix:/run/x.sock|fcgi://h/${join(root, "api/users.ts")}`)).toBe("api/users.ts");
  });

  it("may be written with the root's configured path, through a symlink", () => {
    const variables = { SCRIPT_FILENAME: join(site.folder, "current/hello.ts"), SCRIPT_NAME: "/x" };
    expect(find("/x", { root: join(site.folder, "current"), variables })).toBe("hello.ts");
  });

  it("is taken as it is: neither decoded nor cut", () => {
    expect(mapped(join(root, "a b.ts"))).toBe("a b.ts");
    expect(mapped(join(root, "a%20b.ts"))).toBe("none");
    expect(mapped(join(root, "hello.ts?x"))).toBe("none");
  });

  it("finds nothing outside of the root, nor what is hidden inside", () => {
    for (const file of [
      join(site.folder, "outside.ts"),
      join(root, "../outside.ts"),
      join(root, "link-out.ts"),
      join(root, "link-out/x.ts"),
      join(root, "_private.ts"),
      join(root, ".git/x.ts"),
      join(root, "node_modules/pkg/x.ts"),
      join(root, "types.d.ts"),
      join(root, "folder.ts"),
      "/etc/passwd",
    ]) {
      expect([file, mapped(file)]).toEqual([file, "none"]);
    }
    expect(mapped(`${root}/../outside.ts`, "/hello")).toBe("hello.ts /hello");
  });

  it("leaves it to the URL where it names no handler", () => {
    expect(mapped(root, "/")).toBe("index.ts /index.ts");
    expect(mapped(join(root, "style.css"), "/hello")).toBe("hello.ts /hello");
    expect(mapped(join(root, "gone.ts"), "/hello")).toBe("none");
  });

  it("is only the URL once more with ProxyPass, and then means no path on disk", () => {
    const url = join(root, "api/users.ts");
    expect(find(url, { variables: { SCRIPT_FILENAME: `proxy:fcgi://h${url}`, SCRIPT_NAME: url } })).toBe("none");
    expect(
      find(`/shop${url}`, { variables: { SCRIPT_FILENAME: `proxy:fcgi://h${url}`, SCRIPT_NAME: `/shop${url}` } }),
    ).toBe("none");
    expect(find(`/x${url}`, { variables: { SCRIPT_FILENAME: url } })).toBe("none");
    expect(
      find(url.replace("api", "%61pi"), { variables: { SCRIPT_FILENAME: `proxy:fcgi://h${url}`, SCRIPT_NAME: url } }),
    ).toBe("none");
    expect(
      find("/hello/x", { variables: { SCRIPT_FILENAME: "proxy:fcgi://h/hello/x", SCRIPT_NAME: "/hello/x" } }),
    ).toBe("hello.ts /hello /x");
  });

  it("with control characters is Fault REQUEST", () => {
    expect(() => mapped(`${join(root, "hello.ts")}\n`)).toThrow(expect.objectContaining({ code: "REQUEST" }));
  });
});

describe("what was found", () => {
  it("is looked up again after a second", () => {
    const file = site.write("short-lived.ts");
    const clock = new FakeClock();
    const files = site.files({}, clock);
    const kind = (): string => resolveIn(files, "/short-lived").kind;
    expect(kind()).toBe("handler");
    unlinkSync(file);
    expect(kind()).toBe("handler");
    clock.advance(1000);
    expect(kind()).toBe("none");
    writeFileSync(file, "");
    expect(kind()).toBe("handler");
    unlinkSync(file);
  });

  it("is forgotten, oldest first, where clients make up more paths than are remembered", () => {
    const clock = new FakeClock();
    const files = site.files({}, clock);
    const kind = (url: string): string => resolveIn(files, url).kind;
    const file = site.write("first.ts");
    expect(kind("/first/0")).toBe("handler");
    for (let n = 1; n <= 1024; n += 1) kind(`/first/${n}`);
    unlinkSync(file);
    expect([kind("/first/0"), kind("/first/1024")]).toEqual(["none", "handler"]);
  });
});

// What `holdfast apache` prints, in a real Apache, in front of a responder that says what it was asked.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ApacheLayout, LAYOUTS, renderApache } from "../../src/deploy/apache.ts";
import { PRIVATE_MODULES } from "../../src/deploy/private-apache.ts";
import {
  checkSyntax,
  describeWithApache,
  openFolder,
  removeFolders,
  startTestApache,
  type TestApache,
} from "../support/apache.ts";
import { type FakeResponder, startFakeResponder } from "../support/fake-responder.ts";
import { type Ask, ask as askAt } from "../support/http.ts";
import { readPools } from "../support/pools.ts";

const FILES: Readonly<Record<string, string>> = {
  "www/index.ts": "__SOURCE__",
  "www/hello.ts": "__SOURCE__",
  "www/page.tsx": "__SOURCE__",
  "www/script.js": "__SOURCE__",
  "www/types.d.ts": "__SOURCE__",
  "www/old.ts.bak": "__SOURCE__",
  "www/page.tsx~": "__SOURCE__",
  "www/_helper.ts": "__SOURCE__",
  "www/_parts/part.ts": "__SOURCE__",
  "www/_notes.txt": "__SOURCE__",
  "www/_parts/deep/notes.txt": "__SOURCE__",
  "www/.env": "__SOURCE__",
  "www/.git/config": "__SOURCE__",
  "www/node_modules/x/index.js": "__SOURCE__",
  "www/tsconfig.json": "__SOURCE__",
  "www/.well-known/security.txt": "contact",
  "www/style.css": "body{}",
  "www/data.json": "{}",
  "www/docs/index.html": "<p>docs",
  "www/empty/readme.txt": "readme",
  "app.ts": "",
};

let folder: string;
let responder: FakeResponder;
let apache: TestApache;

async function start(
  layout: ApacheLayout,
  pool: Record<string, string>,
  modules?: readonly string[],
  around: (printed: string) => string[] = (printed) => [printed],
): Promise<void> {
  folder = openFolder();
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  responder = await startFakeResponder(join(folder, "www.sock"));
  const pools = readPools({ www: { listen: "./www.sock", ...pool } }, folder);
  apache = await startTestApache(folder, around(renderApache(pools, { layout })), modules);
}

async function stop(): Promise<void> {
  await apache.stop();
  await responder.close();
  removeFolders();
}

interface Seen {
  readonly status: number;
  readonly text: string;
  /** Undefined when Apache answered by itself. */
  readonly params: Readonly<Record<string, string>> | undefined;
}

async function ask(path: string, options?: Ask): Promise<Seen> {
  const { status, text } = await askAt(apache.url, path, options);
  const params = text.startsWith('{"params"') ? JSON.parse(text).params : undefined;
  return { status, text, params };
}

describeWithApache("layout files in a real Apache", () => {
  beforeEach(() => start("files", { root: "./www" }));
  afterEach(stop);

  it("runs files by their extension, with what follows them as PATH_INFO", async () => {
    expect((await ask("/hello.ts/a/b?q=1")).params).toMatchObject({
      SCRIPT_FILENAME: `${folder}/www/hello.ts`,
      SCRIPT_NAME: "/hello.ts",
      PATH_INFO: "/a/b",
      QUERY_STRING: "q=1",
    });
    expect((await ask("/hello.ts/a")).params).not.toHaveProperty("PATH_TRANSLATED");
    expect((await ask("/page.tsx")).params).toMatchObject({ SCRIPT_FILENAME: `${folder}/www/page.tsx` });
    expect((await ask("/script.js")).params).toMatchObject({ SCRIPT_FILENAME: `${folder}/www/script.js` });
  });

  it("runs the index of a folder", async () => {
    expect((await ask("/")).params).toMatchObject({ SCRIPT_FILENAME: `${folder}/www/index.ts`, REQUEST_URI: "/" });
    expect(await ask("/docs/")).toMatchObject({ status: 200, text: "<p>docs" });
  });

  it("asks the pool about URLs and folders that Apache has no file for, by what the client asked", async () => {
    for (const uri of ["/about", "/about/x?q=1", "/empty/", "/a%3Fb"]) {
      const { params } = await ask(uri);
      expect(params).toMatchObject({ REQUEST_URI: uri });
      expect(params).not.toHaveProperty("SCRIPT_FILENAME");
    }
  });

  it("lets the pool answer for handlers that do not exist", async () => {
    expect((await ask("/missing.ts")).params).toMatchObject({ SCRIPT_FILENAME: `${folder}/www/missing.ts` });
  });

  it("passes every method and its body to a handler, an index and an extensionless URL", async () => {
    for (const path of ["/hello.ts", "/", "/about"]) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "OPTIONS"]) {
        const { params, text } = await ask(path, { method, body: "12345" });
        expect([path, params?.REQUEST_METHOD, JSON.parse(text).bodyLength]).toEqual([path, method, 5]);
      }
    }
  });

  it("serves the other files itself, with their types", async () => {
    const { status, headers } = await askAt(apache.url, "/style.css");
    expect([status, headers["content-type"]]).toEqual([200, "text/css; charset=utf-8"]);
    expect(await ask("/.well-known/security.txt")).toMatchObject({ status: 200, text: "contact" });
    expect(responder.requests).toHaveLength(0);
  });

  it.each([
    "/types.d.ts",
    "/old.ts.bak",
    "/page.tsx~",
    "/_helper.ts",
    "/_parts/part.ts",
    "/_notes.txt",
    "/_parts/deep/notes.txt",
    "/docs//_notes.txt",
    "/%5fnotes.txt",
    "/.env",
    "/.git/config",
    "/node_modules/x/index.js",
    "/tsconfig.json",
    "/HELLO.TS",
    "/docs/../.env",
    "/%2eenv",
    "//.env",
  ])("never serves or runs %s", async (path) => {
    const seen = await ask(path);
    expect([403, 404]).toContain(seen.status);
    expect(seen.text).not.toContain("__SOURCE__");
    expect(responder.requests).toHaveLength(0);
  });

  it("passes Authorization and keeps the connection", async () => {
    const headers = { Authorization: "Basic dTpw" };
    expect((await ask("/hello.ts", { headers })).params).toMatchObject({ HTTP_AUTHORIZATION: "Basic dTpw" });
    expect((await ask("/about", { headers })).params).toMatchObject({ HTTP_AUTHORIZATION: "Basic dTpw" });
    expect(responder.requests.every(({ keepConn }) => keepConn)).toBe(true);
  });

  it("keeps the Content-Length that the app gave", async () => {
    for (const path of ["/hello.ts", "/about"]) {
      const { headers, bytes } = await askAt(apache.url, path);
      expect(headers["content-length"]).toBe(String(bytes.length));
    }
  });
});

describeWithApache("layout files below a mount", () => {
  beforeEach(() => start("files", { root: "./www", mount: "/shop" }));
  afterEach(stop);

  it("runs and serves the files of root there, and nothing hidden", async () => {
    expect((await ask("/shop/hello.ts")).params).toMatchObject({ SCRIPT_FILENAME: `${folder}/www/hello.ts` });
    expect((await ask("/shop/")).params).toMatchObject({ SCRIPT_FILENAME: `${folder}/www/index.ts` });
    expect((await ask("/shop/about")).params).toMatchObject({ REQUEST_URI: "/shop/about" });
    expect(await ask("/shop/style.css")).toMatchObject({ status: 200, text: "body{}" });
    for (const path of ["_helper.ts", "_notes.txt", "_parts/deep/notes.txt", "/_notes.txt"]) {
      expect(await ask(`/shop/${path}`)).toMatchObject({ status: 403 });
    }
  });
});

describeWithApache("layout prefix in a real Apache", () => {
  beforeEach(() => start("prefix", { app: "./app.ts", mount: "/shop" }));
  afterEach(stop);

  it("passes every URL below the mount, and only those", async () => {
    for (const uri of ["/shop", "/shop/", "/shop/a/b.css?q=1", "/shop/a%3Fb", "/shop/.env"]) {
      expect((await ask(uri)).params).toMatchObject({ REQUEST_URI: uri });
    }
    expect((await ask("/shopping")).params).toBeUndefined();
    expect((await ask("/")).params).toBeUndefined();
  });

  it("keeps connections, passes Authorization and no file name", async () => {
    const { params } = await ask("/shop/x", { headers: { Authorization: "Bearer t" } });
    expect(params).toMatchObject({ HTTP_AUTHORIZATION: "Bearer t" });
    expect(params).not.toHaveProperty("SCRIPT_FILENAME");
    expect(responder.requests.every(({ keepConn }) => keepConn)).toBe(true);
  });
});

describeWithApache("layout prefix at the root of the site", () => {
  beforeEach(() => start("prefix", { app: "./app.ts" }));
  afterEach(stop);

  it("passes every URL", async () => {
    for (const uri of ["/", "/x", "/index.ts", "/a//b", "/-holdfast-www"]) {
      expect((await ask(uri)).params).toMatchObject({ REQUEST_URI: uri });
    }
  });
});

describeWithApache("layout front-controller in a real Apache", () => {
  beforeEach(() => start("front-controller", { root: "./www" }));
  afterEach(stop);

  it("serves files that exist and asks the pool about all other URLs", async () => {
    expect(await ask("/style.css")).toMatchObject({ status: 200, text: "body{}" });
    expect(await ask("/docs/")).toMatchObject({ status: 200, text: "<p>docs" });
    expect(responder.requests).toHaveLength(0);
    for (const uri of ["/", "/about?q=1", "/hello", "/empty/", "/a/b/c"]) {
      expect((await ask(uri, { method: "POST", body: "x" })).params).toMatchObject({ REQUEST_URI: uri });
    }
  });

  it("neither serves nor runs sources by their names", async () => {
    const hidden = ["/_notes.txt", "/_parts/deep/notes.txt", "/%5fnotes.txt", "//_notes.txt"];
    for (const path of ["/hello.ts", "/script.js", "/page.tsx", "/_parts/part.ts", ...hidden]) {
      expect(await ask(path)).toMatchObject({ status: 403 });
    }
    expect(responder.requests).toHaveLength(0);
  });
});

describeWithApache("an access rule in a <Location> around what Apache sends", () => {
  afterEach(stop);

  const RULE = ["<Location />", "    Require method GET", "</Location>"].join("\n");
  const HIDDEN = Object.keys(FILES).filter((name) => FILES[name] === "__SOURCE__" && name.startsWith("www/"));

  it.each([
    ["files", "before", undefined],
    ["files", "after", undefined],
    ["files", "after", PRIVATE_MODULES.filter((name) => !name.startsWith("proxy"))],
    ["front-controller", "before", undefined],
    ["front-controller", "after", undefined],
  ] as const)("opens no source, copy or setting (layout %s, %s what is printed)", async (layout, where, modules) => {
    await start(layout, { root: "./www" }, modules, (printed) =>
      where === "before" ? [RULE, printed] : [printed, RULE],
    );
    for (const name of HIDDEN) {
      const { text } = await ask(name.slice("www".length));
      expect([name, text.includes("__SOURCE__")]).toEqual([name, false]);
    }
    const refused = await ask("/style.css", { method: "OPTIONS" });
    expect([(await ask("/style.css")).text, refused.status]).toEqual(["body{}", 403]);
  });

  it("decides who is answered by a handler", async () => {
    await start("files", { root: "./www" }, undefined, (printed) => [printed, RULE]);
    expect((await ask("/hello.ts")).params).toMatchObject({ SCRIPT_FILENAME: `${folder}/www/hello.ts` });
    expect((await ask("/about")).params).toMatchObject({ REQUEST_URI: "/about" });
    for (const path of ["/hello.ts", "/about"]) expect((await ask(path, { method: "PUT" })).status).toBe(403);
    expect(responder.requests).toHaveLength(2);
  });
});

describeWithApache("`apache2 -t`", () => {
  afterEach(removeFolders);

  it.each(LAYOUTS)("accepts layout %s for several pools, over unix and TCP sockets", (layout) => {
    const folder = openFolder();
    mkdirSync(join(folder, "www"));
    const www = { root: "./www" };
    const pools = readPools(
      { one: { ...www, listen: "./one.sock" }, two: { ...www, listen: "[::1]:9000", mount: "/two/deep" } },
      folder,
    );
    expect(checkSyntax(folder, [renderApache(pools, { layout })])).toBe("Syntax OK");
  });

  it("accepts the file in conf/apache", () => {
    const text = readFileSync(new URL("../../../conf/apache/holdfast.conf", import.meta.url), "utf8");
    const folder = openFolder();
    // The folder that it is for is an administrator's, and does not exist here.
    expect(checkSyntax(folder, [text.replaceAll('"/srv/www"', `"${folder}"`)])).toBe("Syntax OK");
  });
});

describeWithApache("an Apache without mod_proxy_fcgi", () => {
  beforeEach(() =>
    start(
      "files",
      { root: "./www" },
      PRIVATE_MODULES.filter((name) => !name.startsWith("proxy")),
    ),
  );
  afterEach(stop);

  it.each(["/hello.ts", "/page.tsx", "/script.js", "/index.ts", "/", "/hello.ts/x", "/old.ts.bak"])(
    "sends no source for %s",
    async (path) => {
      for (const method of ["GET", "HEAD", "POST", "OPTIONS", "PROPFIND"]) {
        const seen = await ask(path, { method, headers: { Range: "bytes=0-5" } });
        expect(seen.text).not.toContain("__SOUR");
        if (method === "GET") expect([403, 404]).toContain(seen.status);
      }
    },
  );
});

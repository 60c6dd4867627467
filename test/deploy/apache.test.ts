import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LAYOUTS, renderApache } from "../../src/deploy/apache.ts";
import { openFolder, removeFolders } from "../support/apache.ts";
import { readPools } from "../support/pools.ts";

let folder: string;

beforeEach(() => {
  folder = openFolder();
  mkdirSync(join(folder, "www"));
  writeFileSync(join(folder, "app.ts"), "");
});
afterEach(removeFolders);

const www = { listen: "./www.sock", root: "./www" };
const shop = { listen: "127.0.0.1:9000", app: "./app.ts", mount: "/shop" };

describe("Apache's worker of a pool", () => {
  it("has a name of its own, because Apache tells workers apart by name and not by socket", () => {
    const text = renderApache(readPools({ www, api: { ...www, listen: "./api.sock", mount: "/api" } }, folder));
    expect(text).toContain(`<Proxy "unix:${folder}/www.sock|fcgi://holdfast-www">`);
    expect(text).toContain(`<Proxy "unix:${folder}/api.sock|fcgi://holdfast-api">`);
  });

  it("has no slash after its name in SetHandler, which would be put before the file's name", () => {
    expect(renderApache(readPools({ www }, folder))).toContain(
      `SetHandler "proxy:unix:${folder}/www.sock|fcgi://holdfast-www"`,
    );
  });

  it("waits longer than the pool's queue, handler and grace together", () => {
    const limits = { queue: { timeout: "10s" }, request: { timeout: "20s", grace: "500ms" } };
    expect(renderApache(readPools({ www: { ...www, ...limits } }, folder))).toContain("timeout=36 ");
  });

  it("keeps its connections and is tried again at once after a failure", () => {
    expect(renderApache(readPools({ www }, folder))).toMatch(/ProxySet enablereuse=on .*retry=0/);
  });

  it("is reached over TCP by address and port, over loopback if the pool listens on every address", () => {
    const at = (listen: string) => renderApache(readPools({ shop: { ...shop, listen } }, folder));
    expect(at("10.0.0.7:9000")).toContain('<Proxy "fcgi://10.0.0.7:9000">');
    expect(at("0.0.0.0:9000")).toContain('<Proxy "fcgi://127.0.0.1:9000">');
    expect(at("[::]:9000")).toContain('<Proxy "fcgi://[::1]:9000">');
  });
});

describe("the directives of a pool", () => {
  it("are those of `files` for a root and of `prefix` for an app unless asked otherwise", () => {
    const text = renderApache(readPools({ www, shop }, folder));
    expect(text).toContain(`pool www: ${folder}/www at /, layout files`);
    expect(text).toContain(`pool shop: ${folder}/app.ts at /shop, layout prefix`);
  });

  it("begin with the longest mount, because Apache takes the first ProxyPass that matches", () => {
    const pools = readPools({ all: { ...shop, mount: "", listen: "./all.sock" }, shop }, folder);
    const text = renderApache(pools);
    expect(text.indexOf('ProxyPass "/shop"')).toBeLessThan(text.indexOf('ProxyPass "/" '));
  });

  it("are refused for two pools at one place", () => {
    expect(() => renderApache(readPools({ www, other: { ...www, listen: "./other.sock" } }, folder))).toThrow(
      "pools www and other are both mounted at /",
    );
  });

  it("have Apache look at no file of a folder of CGI programs, whose text it would send", () => {
    const pools = readPools({ old: { ...www, kind: "cgi" } }, folder);
    expect(renderApache(pools)).toContain("layout prefix");
    expect(() => renderApache(pools, { layout: "files" })).toThrow(expect.objectContaining({ code: "USAGE" }));
    for (const documentRoot of [undefined, join(folder, "www"), folder, "/"]) {
      const given = documentRoot === undefined ? {} : { documentRoot };
      expect(() => renderApache(pools, { layout: "front-controller", ...given })).toThrow(
        expect.objectContaining({ code: "USAGE", message: expect.stringContaining("programs") }),
      );
    }
    const documentRoot = join(folder, "www-public");
    expect(renderApache(pools, { layout: "front-controller", documentRoot })).toContain("FallbackResource");
  });

  it("are refused where the layout needs what the pool has not", () => {
    const pools = readPools({ shop }, folder);
    expect(() => renderApache(pools, { layout: "files" })).toThrow("has no root");
    expect(() => renderApache(pools, { layout: "front-controller" })).toThrow("no folder of files");
  });

  it("are refused for a path that Apache would read differently", () => {
    const at = (name: string) => {
      mkdirSync(join(folder, name));
      return renderApache(readPools({ www: { ...www, root: `./${name}` } }, folder));
    };
    expect(() => at('a"b')).toThrow("cannot be written");
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Apache's own variable
    expect(() => at("${HOME}")).toThrow("cannot be written");
    expect(() => at("a[b]")).toThrow("wildcard");
  });

  it("hold nothing that a path has written on a line of its own", () => {
    const app = join(folder, "app.ts\nInclude evil.conf");
    writeFileSync(app, "");
    const [pool] = readPools({ api: { listen: "./api.sock", app } }, folder);
    expect(renderApache(pool === undefined ? [] : [pool])).not.toMatch(/^\s*Include/m);
  });
});

describe.each(LAYOUTS)("layout %s", (layout) => {
  const text = () => renderApache(readPools({ www }, folder), { layout });

  it("denies sources outside any <IfModule>, so that they stay denied without mod_proxy_fcgi", () => {
    const outside = text()
      .replace(/<IfModule [\s\S]*?<\/IfModule>/g, "")
      .replace(/^\s*#.*$/gm, "");
    expect(outside).toMatch(/<FilesMatch ".*\(\?:ts\|tsx\|.*">\n\s+Require all denied/);
    expect(outside).not.toMatch(/Proxy|SetHandler|Fallback|CGIPassAuth/);
  });

  it("hands over Authorization, Content-Length and plain file names", () => {
    expect(text()).toContain("CGIPassAuth On");
    expect(text()).toContain("SetEnv ap_trust_cgilike_cl 1");
    expect(text()).toContain("ProxyFCGIBackendType GENERIC");
  });

  it("has no comment behind a directive, which Apache would read as arguments", () => {
    const directives = text()
      .split("\n")
      .filter((line) => !line.trimStart().startsWith("#"));
    expect(directives.filter((line) => / #/.test(line.replace(/"[^"]*"/g, '""')))).toEqual([]);
  });
});

// The Debian package as dpkg sees it: built of what is compiled and installed here, without compressing
// it. That it installs, serves and goes without a trace is in debian.long.ts.

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { debianArchitecture } from "../../scripts/deb/control.ts";
import { debianPackage } from "../../scripts/deb/package.ts";
import { buildPackage } from "../../scripts/deb.ts";
import { checkSyntax, describeWithApache } from "../support/apache.ts";
import { connectFastCgi } from "../support/fastcgi-client.ts";
import { CHECKOUT } from "../support/installed.ts";
import { launcher } from "../support/launch.ts";
import { skip } from "../support/skip.ts";
import { makeTempDir, type TempDir, tempDirs } from "../support/temp-dir.ts";

const COMMAND_DEADLINE_MS = 20_000;
const DATE = new Date("2026-01-31T12:00:00Z");
const { version } = JSON.parse(readFileSync(join(CHECKOUT, "package.json"), "utf8")) as { version: string };

/** Standard output; throws with what it said when it fails. */
const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, [...args], { encoding: "utf8", timeout: COMMAND_DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 });

const has = (program: string): boolean =>
  (process.env.PATH ?? "").split(":").some((folder) => existsSync(join(folder, program)));

(has("dpkg-deb") ? describe : (title: string, body: () => void) => skip(title, "there is no dpkg-deb", body))(
  "the Debian package",
  () => {
    let dir: TempDir;
    let file: string;
    /** The package, unpacked. */
    let tree: string;
    let scripts: string;

    beforeAll(() => {
      dir = makeTempDir();
      const built = debianPackage(CHECKOUT, { date: DATE, maintainer: "Somebody <somebody@example.org>" });
      file = buildPackage(built, dir.path, DATE, "none");
      tree = join(dir.path, "tree");
      scripts = join(dir.path, "DEBIAN");
      run("dpkg-deb", "--extract", file, tree);
      run("dpkg-deb", "--control", file, scripts);
    }, 2 * COMMAND_DEADLINE_MS);
    afterAll(() => dir.remove());

    const field = (name: string): string => run("dpkg-deb", "--field", file, name).trim();
    const read = (path: string): string => readFileSync(join(tree, path), "utf8");

    interface Listed {
      readonly mode: string;
      readonly owner: string;
      readonly path: string;
    }
    const listed = (): readonly Listed[] =>
      run("dpkg-deb", "--contents", file)
        .trim()
        .split("\n")
        .map((line) => line.split(/\s+/))
        .map(([mode = "", owner = "", , , , path = ""]) => ({ mode, owner, path: path.replace(/^\./, "") }));

    it("says what it is", () => {
      expect(field("Package")).toBe("holdfast");
      expect(field("Version")).toBe(`${version}-1`);
      expect(field("Architecture")).toBe(debianArchitecture(process.arch));
      expect(field("Maintainer")).toBe("Somebody <somebody@example.org>");
      expect(field("Description")).toMatch(/^persistent worker pools for TypeScript behind Apache\n Holdfast keeps/);
      expect(Number(field("Installed-Size"))).toBeGreaterThan(
        statSync(join(tree, "usr/lib/holdfast/bin/node")).size / 1024,
      );
    });

    it("depends on the packages of every library that its Node is linked with, and brings no other Node", () => {
      const packages: Readonly<Record<string, string>> = {
        "libatomic.so.1": "libatomic1",
        "libstdc++.so.6": "libstdc++6",
        "libgcc_s.so.1": "libgcc-s1",
        "libc.so.6": "libc6",
        "libm.so.6": "libc6",
        "libdl.so.2": "libc6",
        "libpthread.so.0": "libc6",
      };
      const linked = run("ldd", join(tree, "usr/lib/holdfast/bin/node"))
        .split("\n")
        .map((line) => /^\s*(\S+) => /.exec(line)?.[1])
        .filter((name) => name !== undefined);
      expect(linked.length).toBeGreaterThan(3);
      const depends = field("Depends")
        .split(", ")
        .map((each) => each.split(" ")[0]);
      expect(depends).toEqual(expect.arrayContaining(linked.map((name) => packages[name] ?? name)));
      expect(depends).not.toContain("nodejs");
    });

    it("installs what an administrator looks for where they look for it", () => {
      const places = listed()
        .map(({ path }) => path)
        .filter((path) => !/^\/usr\/(?:lib|share\/doc)\/holdfast\/./.test(path) && !path.endsWith("/"));
      expect(places.toSorted()).toEqual([
        "/etc/apache2/conf-available/holdfast.conf",
        "/etc/holdfast/holdfast.toml",
        "/etc/holdfast/pool.d/www.toml",
        "/etc/logrotate.d/holdfast",
        "/lib/systemd/system/holdfast.service",
        "/usr/bin/holdfast",
        "/usr/lib/tmpfiles.d/holdfast.conf",
        "/usr/share/bash-completion/completions/holdfast",
        "/usr/share/fish/vendor_completions.d/holdfast.fish",
        "/usr/share/holdfast/www/index.ts",
        "/usr/share/lintian/overrides/holdfast",
        "/usr/share/man/man1/holdfast.1.gz",
        "/usr/share/man/man5/holdfast.toml.5.gz",
        "/usr/share/zsh/vendor-completions/_holdfast",
      ]);
      expect(readdirSync(join(tree, "usr/share/doc/holdfast")).toSorted()).toEqual([
        "README.md",
        "SECURITY.md",
        "changelog.Debian.gz",
        "changelog.gz",
        "copyright",
        "docs",
        "examples",
      ]);
    });

    it("holds the program, the packages that it runs on and its Node, and nothing of what made or tested them", () => {
      const home = join(tree, "usr/lib/holdfast");
      expect(readdirSync(home).toSorted()).toEqual(["bin", "dist", "examples", "node_modules", "package.json"]);
      expect(readdirSync(join(home, "dist")).toSorted()).toEqual(["src", "workers"]);
      const dependencies = JSON.parse(readFileSync(join(CHECKOUT, "package.json"), "utf8")).dependencies as object;
      // A package of a scope lies in the folder of that.
      expect(readdirSync(join(home, "node_modules"))).toEqual(
        expect.arrayContaining(Object.keys(dependencies).map((name) => name.split("/")[0])),
      );
      const paths = listed().map(({ path }) => path);
      expect(paths.filter((path) => /node_modules\/(?:typescript|jest|node|@types|@biomejs)\//.test(path))).toEqual([]);
      expect(
        paths.filter((path) =>
          /^\/usr\/lib\/holdfast\/(?!examples\/).*(?:\.map|\.ts|README\.md|\/tests?\/.*)$/.test(path),
        ),
      ).toEqual([]);
    });

    it("belongs to root, who alone may change it, and makes nothing executable but programs", () => {
      const all = listed();
      expect(all.filter(({ owner }) => owner !== "root/root")).toEqual([]);
      const others = all.filter(({ mode }) => !/^(?:d|-)rw[x-]r-[x-]r-[x-]$/.test(mode));
      expect(others.map(({ mode, path }) => [mode, path])).toEqual([["drwxr-x---", "/var/log/holdfast/"]]);
      expect(all.filter(({ mode }) => mode === "-rwxr-xr-x").map(({ path }) => path)).toEqual([
        "/usr/bin/holdfast",
        "/usr/lib/holdfast/bin/holdfast.js",
        "/usr/lib/holdfast/bin/node",
      ]);
    });

    it("leaves every file below /etc to the administrator", () => {
      expect(readFileSync(join(scripts, "conffiles"), "utf8").trim().split("\n")).toEqual(
        listed()
          .map(({ path }) => path)
          .filter((path) => path.startsWith("/etc/") && !path.endsWith("/")),
      );
    });

    it("has a checksum of every file", () => {
      const sums = readFileSync(join(scripts, "md5sums"), "utf8").trim().split("\n");
      expect(sums).toHaveLength(listed().filter(({ path }) => !path.endsWith("/")).length);
      for (const line of sums) {
        const [sum = "", path = ""] = line.split("  ");
        expect([
          path,
          createHash("md5")
            .update(readFileSync(join(tree, path)))
            .digest("hex"),
        ]).toEqual([path, sum]);
      }
    });

    it.each(["postinst", "prerm", "postrm"])(
      "has a %s that the shell understands and that ends at its first mistake",
      (name) => {
        const path = join(scripts, name);
        expect(spawnSync("sh", ["-n", path], { encoding: "utf8", timeout: COMMAND_DEADLINE_MS })).toMatchObject({
          status: 0,
          stderr: "",
        });
        expect(readFileSync(path, "utf8")).toMatch(/^#!\/bin\/sh\n(?:#.*\n)*set -e\n/);
        expect(statSync(path).mode & 0o777).toBe(0o755);
      },
    );

    it("names the licence of every package in it, with its text", () => {
      const copyright = read("usr/share/doc/holdfast/copyright");
      expect(copyright).toMatch(/^Files: \*\nCopyright: .+\nLicense: Apache-2\.0$/m);
      expect(copyright).toMatch(/^Files: usr\/lib\/holdfast\/bin\/node\nCopyright: Node\.js contributors/m);
      const modules = readdirSync(join(tree, "usr/lib/holdfast/node_modules"))
        .flatMap((name) =>
          name.startsWith("@")
            ? readdirSync(join(tree, "usr/lib/holdfast/node_modules", name)).map((below) => `${name}/${below}`)
            : [name],
        )
        .filter((name) => !copyright.includes(`\nFiles: usr/lib/holdfast/node_modules/${name}/*\nCopyright: `));
      expect(modules).toEqual([]);
    });

    it("is the same, byte for byte, when it is made again of the same sources and date", () => {
      const again = join(dir.path, "again");
      const built = debianPackage(CHECKOUT, { date: DATE, maintainer: "Somebody <somebody@example.org>" });
      const other = buildPackage(built, again, DATE, "none");
      expect(readFileSync(other).equals(readFileSync(file))).toBe(true);
    });

    describe("its unit", () => {
      it("runs the installed program on the installed configuration, and knows no pool", () => {
        const unit = read("lib/systemd/system/holdfast.service");
        expect(unit).toMatch(/^ExecStart=\/usr\/bin\/holdfast start -c \/etc\/holdfast\/holdfast\.toml$/m);
        expect(unit).not.toMatch(/^Sockets=/m);
        // Of a setting that is there twice, the last counts.
        expect([...unit.matchAll(/^(?:ProtectHome|TimeoutStartSec)=.*$/gm)].slice(-2).map(String)).toEqual([
          "ProtectHome=read-only",
          "TimeoutStartSec=120s",
        ]);
      });

      if (has("systemd-analyze")) {
        it("is right in the eyes of systemd", () => {
          const { stdout, stderr } = spawnSync(
            "systemd-analyze",
            ["verify", "--man=no", `--root=${tree}`, "holdfast.service"],
            { encoding: "utf8", timeout: COMMAND_DEADLINE_MS },
          );
          // Only what is installed here is there: not the targets of Debian's other packages.
          const said = `${stdout}${stderr}`
            .split("\n")
            .filter((line) => !/^$|Unit \S+\.(?:target|slice) not found/.test(line));
          expect(said).toEqual([]);
        });
      }
    });

    describe("its program", () => {
      const launch = launcher();
      const tempDir = tempDirs();

      it("starts from its folder, on its own Node, and answers a FastCGI request to its pool", async () => {
        const { path } = tempDir();
        const socket = join(path, "www.sock");
        const pool = read("etc/holdfast/pool.d/www.toml")
          .replace("/run/holdfast/www.sock", socket)
          .replace("/usr/share/holdfast", join(tree, "usr/share/holdfast"))
          // Those are made by the installation.
          .replace(/^(?:listen_group|user) = .*\n/gm, "")
          .concat(process.getuid?.() === 0 ? "allow_root = true\n" : "");
        mkdirSync(join(path, "pool.d"));
        writeFileSync(join(path, "pool.d/www.toml"), pool);
        const main = read("etc/holdfast/holdfast.toml").replace("/run/holdfast", path);
        writeFileSync(join(path, "holdfast.toml"), main);
        const home = join(tree, "usr/lib/holdfast");
        const node = join(home, "bin/node");
        const launched = launch(["start", "-c", join(path, "holdfast.toml")], {
          node,
          bin: join(home, "bin/holdfast.js"),
        });
        await launched.line(/"serving"/);
        const client = await connectFastCgi({ path: socket });
        try {
          const { status, body } = await client.request({
            params: {
              REQUEST_METHOD: "GET",
              REQUEST_URI: "/holdfast/",
              SCRIPT_NAME: "/holdfast/",
              SERVER_PROTOCOL: "HTTP/1.1",
            },
          });
          expect([status, body.toString()]).toEqual([200, expect.stringContaining("<h1>Holdfast works</h1>")]);
        } finally {
          await client.close();
        }
        launched.signal("SIGTERM");
        expect(await launched.finished).toMatchObject({ code: 0, signal: null });
      });
    });

    describeWithApache("its Apache configuration", () => {
      it("is right in the eyes of Apache, and mounts the pool that comes with it", () => {
        const conf = read("etc/apache2/conf-available/holdfast.conf");
        expect(conf).toMatch(/^Alias "\/holdfast" "\/usr\/share\/holdfast\/www"$/m);
        const folder = join(dir.path, "apache");
        mkdirSync(folder, { recursive: true });
        expect(checkSyntax(folder, conf.split("\n"))).toBe("Syntax OK");
      });
    });
  },
);

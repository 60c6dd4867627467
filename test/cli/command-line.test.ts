// The command line as it is typed: what it prints, where, and with which exit code.

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Finished, launcher } from "../support/launch.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";
import { itAsRoot } from "../support/user.ts";

const TOP = fileURLToPath(new URL("../../../", import.meta.url));

describe("the command line", () => {
  const tempDir = tempDirs();
  const launch = launcher();
  let dir: TempDir;
  beforeEach(() => {
    dir = tempDir();
  });
  const run = (...args: readonly string[]): Promise<Finished> => launch(args, { cwd: dir.path }).finished;

  it("shows every command with --help, and ends with 0", async () => {
    const { code, stdout, stderr } = await run("--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const command of ["serve", "start", "check", "status", "ping", "stop", "apache", "request"]) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command} `, "m"));
    }
    expect(stdout).toContain("Exit codes: 0 done, 64");
  });

  it("prints its version", async () => {
    expect(await run("--version")).toMatchObject({ code: 0, stdout: "0.1.0\n" });
  });

  it.each<[string, readonly string[], RegExp]>([
    ["no command", [], /Usage: holdfast/],
    ["a mistyped command", ["strat"], /^holdfast: unknown command 'strat'\n {2}did you mean start\?\n$/],
    ["an unknown command", ["xyzzy"], /^holdfast: unknown command 'xyzzy'\n {2}see `holdfast --help`\n$/],
    ["a mistyped option", ["status", "--jsno"], /^holdfast: unknown option '--jsno'\n {2}did you mean --json\?\n$/],
    ["a missing argument", ["request"], /^holdfast: missing required argument 'path'/],
    ["an argument too many", ["stop", "www"], /^holdfast: too many arguments/],
    ["an option without its value", ["start", "-c"], /^holdfast: option '-c, --config <file>' argument missing/],
    ["a value that is no choice", ["check", "--print=xml"], /Allowed choices are toml, json/],
  ])("ends with 64 after %s", async (_, args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toMatch(message);
  });

  it.each([
    ["help", ["--help"]],
    ["what a command prints", ["check", "--schema"]],
  ])("ends without a word when nobody reads %s any more", (_what, args) => {
    const bin = join(TOP, "bin/holdfast.js");
    spawnSync("sh", ["-c", '"$@" 2>err | true', "sh", process.execPath, bin, ...args], { cwd: dir.path });
    expect(readFileSync(join(dir.path, "err"), "utf8")).toBe("");
  });

  it("says which folder units cannot be written into", async () => {
    const config = dir.write("holdfast.toml", '[pools.www]\nlisten = "/run/holdfast/www.sock"\nroot = "."\n');
    const { code, stderr } = await run("systemd", "-c", config, "--write", `${config}/units`);
    expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringMatching(/units cannot be written: ENOTDIR/) });
  });

  describe("check", () => {
    const RIGHT = '[pools.www]\nlisten = "./www.sock"\nroot = "."\nallow_root = true\n';

    it("says that there is no mistake, and ends with 0", async () => {
      const file = dir.write("holdfast.toml", RIGHT);
      expect(await run("check", "-c", file)).toMatchObject({
        code: 0,
        stdout: `${file}: 1 pool, no mistakes\n`,
        stderr: "",
      });
    });

    it("prints every mistake on a line of its own, and ends with 78", async () => {
      const file = dir.write("bad.toml", '[pools.www]\nlisten = "./www.sock"\nroot = "gone"\nthreds = 1\n');
      expect(await run("check", "-c", "bad.toml")).toMatchObject({
        code: 78,
        stdout: "",
        stderr:
          "holdfast: the configuration has 2 mistakes\n" +
          `${file}:3: pools.www.root: there is no ${dir.path}/gone (make it, or name another)\n` +
          `${file}:4: pools.www.threds: there is no such option (did you mean threads?)\n`,
      });
    });

    it("warns about what is right and yet hardly meant, as start does", async () => {
      const file = dir.write("holdfast.toml", `${RIGHT}request.grace = "2m"\n`);
      expect(await run("check", "-c", file)).toMatchObject({
        code: 0,
        stderr: `warning: ${file}:5: pools.www.request.grace: is longer than request.timeout\n`,
      });
    });

    it("warns about users and groups that this machine does not have, which start refuses", async () => {
      const more = 'user = "no-such-user"\ngroups = ["no-such-group"]\nlisten_group = "0"\n';
      const file = dir.write("holdfast.toml", `${RIGHT}${more}`);
      expect(await run("check", "-c", file)).toMatchObject({
        code: 0,
        stderr:
          'warning: pools.www.user: there is no user "no-such-user" (see `getent passwd`)\n' +
          'warning: pools.www.groups: there is no group "no-such-group" (see `getent group`)\n',
      });
    });

    itAsRoot("warns root of a pool that start would refuse to run as root", async () => {
      const file = dir.write("holdfast.toml", RIGHT.replace("true", "false"));
      expect(await run("check", "-c", file)).toMatchObject({
        code: 0,
        stderr:
          "warning: pools.www.user: the app would run as root " +
          "(name the user that it is to run as, or set allow_root = true)\n",
      });
    });

    it("prints the effective configuration", async () => {
      dir.write("holdfast.toml", `${RIGHT}processes = 2\n`);
      const toml = await run("check", "-c", "holdfast.toml", "--print");
      expect(toml.stdout).toContain("processes = 2\n");
      expect(toml.stdout).toContain('[pools.www.queue]\nmax = 128\ntimeout = "45s"\n');
      const json = await run("check", "-c", "holdfast.toml", "--print", "json");
      expect(JSON.parse(json.stdout)).toMatchObject({ pools: { www: { processes: 2, queue: { timeout: "45s" } } } });
    });

    it("prints the JSON Schema without any configuration", async () => {
      const { code, stdout } = await run("check", "--schema");
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ $schema: expect.stringContaining("json-schema.org") });
    });

    it("does not let a file send control sequences to the terminal", async () => {
      dir.write("holdfast.toml", `${RIGHT}gateway = "\\u001b[2Jx"\n"\\u001b[31m" = 1\n`);
      const { code, stderr } = await run("check", "-c", "holdfast.toml");
      expect(code).toBe(78);
      expect(stderr).not.toContain("\u001b");
    });
  });

  it("says what to do where there is no configuration", async () => {
    expect(await run("start", "-c", "none.toml")).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/none\.toml: cannot be read/),
    });
  });

  it.each(["status", "stop"])("%s ends with 69 where no supervisor answers", async (command) => {
    const expected = {
      code: 69,
      stderr: expect.stringMatching(/no supervisor answers at .*\n {2}start one with `holdfast start`/),
    };
    expect(await run(command, "--control", join(dir.path, "none.sock"))).toMatchObject(expected);
  });

  it("start ends with 69 where the folder of a socket is missing", async () => {
    dir.write(
      "holdfast.toml",
      '[supervisor]\ncontrol = "./run/c.sock"\n[pools.www]\nlisten = "./s"\nroot = "."\nallow_root = true\n',
    );
    expect(await run("start", "-c", "holdfast.toml")).toMatchObject({
      code: 69,
      stderr: expect.stringMatching(/there is no folder .*mkdir -p/s),
    });
  });
});

describe("started by a Node that is too old", () => {
  const tempDir = tempDirs();
  const OLD =
    'Object.defineProperty(process, "versions", { value: Object.assign({}, process.versions, { node: "14.0.0" }) });';

  function runOld(bin: string, ...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    const preload = tempDir().write("old.cjs", OLD);
    return spawnSync(process.execPath, ["--require", preload, bin, ...args], { encoding: "utf8", timeout: 15_000 });
  }

  /** An installation that holds nothing but the launcher. */
  function bareInstallation(): TempDir {
    const dir = tempDir();
    dir.write("package.json", '{ "type": "module" }');
    mkdirSync(join(dir.path, "bin"));
    copyFileSync(join(TOP, "bin/holdfast.js"), join(dir.path, "bin/holdfast.js"));
    return dir;
  }

  it("goes on in the Node that is installed beside it, with the same arguments and exit code", () => {
    const dir = bareInstallation();
    const version = process.versions.node;
    dir.write("node_modules/node/package.json", JSON.stringify({ name: "node", version }));
    chmodSync(dir.write("node_modules/node/bin/node", `#!/bin/sh\necho "$@"\nexit 3\n`), 0o755);
    const bin = join(dir.path, "bin/holdfast.js");
    expect(runOld(bin, "check", "a b")).toMatchObject({ status: 3, stdout: `${bin} check a b\n` });
  });

  it("says what to do where there is none, and ends with 69", () => {
    const { status, stderr } = runOld(join(bareInstallation().path, "bin/holdfast.js"), "check");
    expect(status).toBe(69);
    expect(stderr).toMatch(/^holdfast: this is Node 14\.0\.0, and that is too old\n {2}install Node 22\.18 or newer/);
  });

  it("says what to do where that one cannot be started, and ends with 69", () => {
    const dir = bareInstallation();
    dir.write("node_modules/node/package.json", '{ "name": "node", "version": "26.0.0" }');
    chmodSync(dir.write("node_modules/node/bin/node", "#!/bin/sh\nexit 127\n"), 0o755);
    const { status, stderr } = runOld(join(dir.path, "bin/holdfast.js"), "check");
    expect(status).toBe(69);
    expect(stderr).toMatch(/^holdfast: the bundled Node cannot be started .*libatomic1\)\n/);
  });

  it("is not satisfied with one that is too old as well", () => {
    const dir = bareInstallation();
    dir.write("node_modules/node/package.json", '{ "name": "node", "version": "22.17.9" }');
    chmodSync(dir.write("node_modules/node/bin/node", "#!/bin/sh\nexit 3\n"), 0o755);
    expect(runOld(join(dir.path, "bin/holdfast.js"), "check").status).toBe(69);
  });
});

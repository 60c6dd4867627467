// What a user gets is the package and not the checkout: packed, installed where nothing else is, and
// started by whatever Node is there.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "../support/eventually.ts";
import { ask } from "../support/http.ts";
import {
  CHECKOUT,
  findOldNode,
  importsOf,
  install,
  NPM_DEADLINE_MS,
  type Packed,
  pack,
  writeFolder,
} from "../support/installed.ts";
import { type Launched, type LaunchOptions, launcher } from "../support/launch.ts";
import { isRunning } from "../support/processes.ts";
import { makeTempDir, type TempDir, tempDirs } from "../support/temp-dir.ts";

const MANIFEST = JSON.parse(readFileSync(join(CHECKOUT, "package.json"), "utf8")) as {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
};

const HANDLERS = {
  "index.ts": `import { defineHandler } from "holdfast";
export default defineHandler({
  init: () => ({ count: 0 }),
  fetch: (_request, ctx) => new Response(\`visit \${++ctx.state.count}\`),
});
`,
  "typed.ts": `import type { Context } from "holdfast";
export const GET = (_request: Request, ctx: Context): Response => new Response(ctx.env.REQUEST_METHOD ?? "");
`,
};

let dir: TempDir;
let packed: Packed;
/** The folder into which the package is installed. */
let home: string;
let bin: string;

beforeAll(async () => {
  dir = makeTempDir();
  packed = await pack(dir.path);
  home = join(dir.path, "home");
  await install(home, packed.tarball);
  bin = join(home, "node_modules/.bin/holdfast");
}, 2 * NPM_DEADLINE_MS);
afterAll(() => dir.remove());

const launch = launcher();
const tempDir = tempDirs();

/** An environment whose private folders and caches lie in `path`. */
const privateTo = (path: string): NonNullable<LaunchOptions["env"]> => ({
  TMPDIR: path,
  XDG_CACHE_HOME: join(path, "cache"),
  DATABASE_URL: undefined,
});

interface Served {
  readonly launched: Launched;
  readonly url: string;
  /** Ends it as Ctrl-C does, and expects that nothing is left. */
  end(): Promise<void>;
}

async function serve(path: string, options: LaunchOptions): Promise<Served> {
  const tmp = tempDir().path;
  const args = ["serve", path, "--front", "builtin", "--port", "0", "--threads", "1", "--no-watch"];
  const launched = launch(args, { env: privateTo(tmp), ...options });
  await launched.line(/Ctrl-C ends it/);
  const url = /^ {2}URL +(\S+?)\/?$/m.exec(launched.output)?.[1] ?? "";
  return {
    launched,
    url,
    async end() {
      const family = launched.descendants();
      launched.signal("SIGINT");
      expect(await launched.finished).toMatchObject({ code: 0, signal: null });
      await eventually(() => !family.some(isRunning));
      expect(readdirSync(tmp).filter((name) => name !== "cache")).toEqual([]);
    },
  };
}

describe("the package that `npm pack` makes", () => {
  const paths = (): readonly string[] => packed.files.map(({ path }) => path);

  it("holds the launcher, what was built for it, the samples, the examples and what a reader needs", () => {
    expect([...new Set(paths().map((path) => path.replace(/\/.*/, "")))].sort()).toEqual([
      "ARCHITECTURE.md",
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "SECURITY.md",
      "bin",
      "conf",
      "dist",
      "docs",
      "examples",
      "package.json",
    ]);
    expect(packed.files.find(({ path }) => path === "bin/holdfast.js")?.mode).toBe(0o755);
  });

  it("holds nothing but JavaScript and declarations of src and workers below dist", () => {
    expect(
      paths().filter((path) => path.startsWith("dist/") && !/^dist\/(?:src|workers)\/.*\.(?:d\.ts|js)$/.test(path)),
    ).toEqual([]);
  });

  it("holds the pages to which its README links, but for those about work on Holdfast itself", () => {
    const links = [...readFileSync(join(CHECKOUT, "README.md"), "utf8").matchAll(/\]\((?!\w+:|#)([^)#]+)/g)];
    const missing = links.map((link) => link[1] ?? "").filter((path) => !paths().includes(path));
    expect(missing.sort()).toEqual(["CONTRIBUTING.md", "bench/README.md"]);
  });

  it("is small", () => {
    expect(packed.unpackedSize).toBeLessThan(4_000_000);
  });

  it("holds every file that one of its files imports", () => {
    const root = join(home, "node_modules/holdfast");
    const relative = importsOf(root).filter(({ specifier }) => specifier.startsWith("."));
    // tsc writes `.ts` in declarations where the source did, and reads the declaration beside it.
    const target = ({ from, specifier }: { from: string; specifier: string }): string =>
      join(root, from, "..", from.endsWith(".d.ts") ? specifier.replace(/\.ts$/, ".d.ts") : specifier);
    expect(relative.length).toBeGreaterThan(100);
    expect(relative.filter((one) => !existsSync(target(one)))).toEqual([]);
  });

  it("imports no package that it does not depend on", () => {
    const used = importsOf(join(home, "node_modules/holdfast/dist"))
      .filter(({ from, specifier }) => from.endsWith(".js") && !/^(?:\.|node:)/.test(specifier))
      .map(({ specifier }) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
    expect([...new Set(used)].sort()).toEqual(Object.keys(MANIFEST.dependencies).sort());
  });
});

describe("Holdfast, installed in an empty folder", () => {
  it("brings what it runs on, and no compiler, test runner or Node", () => {
    const top = join(home, "node_modules");
    const names = readdirSync(top).flatMap((name) =>
      name.startsWith("@") ? readdirSync(join(top, name)).map((inner) => `${name}/${inner}`) : [name],
    );
    expect(names).toEqual(expect.arrayContaining(["holdfast", ...Object.keys(MANIFEST.dependencies)]));
    expect(names.filter((name) => /^(?:typescript|jest|node|@types\/.*|@biomejs\/.*)$/.test(name))).toEqual([]);
  });

  it("prints its version", async () => {
    const { finished } = launch(["--version"], { bin, cwd: home });
    expect(await finished).toMatchObject({ code: 0, stdout: `${MANIFEST.version}\n`, stderr: "" });
  });

  it("serves that folder, whose handlers import from holdfast, and leaves nothing behind", async () => {
    writeFolder(home, HANDLERS);
    const { url, end } = await serve(".", { bin, cwd: home });
    expect(await ask(url, "/")).toMatchObject({ status: 200, text: "visit 1" });
    expect(await ask(url, "/")).toMatchObject({ status: 200, text: "visit 2" });
    expect(await ask(url, "/typed")).toMatchObject({ status: 200, text: "GET" });
    expect((await ask(url, "/node_modules/holdfast/package.json")).status).toBe(404);
    await end();
  });

  it("is what holdfast means in a folder that has no node_modules", async () => {
    const elsewhere = writeFolder(tempDir().path, HANDLERS);
    const { url, end } = await serve(elsewhere, { bin, cwd: "/" });
    expect((await ask(url, "/")).text).toBe("visit 1");
    expect((await ask(url, "/typed")).text).toBe("GET");
    await end();
  });

  it("serves the examples that it brings", async () => {
    const { url, end } = await serve(join(home, "node_modules/holdfast/examples/hello"), { bin, cwd: home });
    expect((await ask(url, "/")).status).toBe(200);
    await end();
  });

  it("checks a configuration and prints Apache's for it", async () => {
    const folder = writeFolder(tempDir().path, {
      ...HANDLERS,
      "holdfast.toml": '[pools.www]\nlisten = "./www.sock"\nroot = "."\n',
    });
    const run = (...args: readonly string[]) => launch(args, { bin, cwd: folder }).finished;
    expect(await run("check", "-c", "holdfast.toml")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/1 pool, no mistakes/),
    });
    expect(await run("apache", "-c", "holdfast.toml")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/proxy:unix:.*www\.sock/),
    });
  });

  it("ends with 70 and the reason, and does not wait, where a part of it is missing", async () => {
    const part = join(home, "node_modules/oxc-transform");
    const folder = writeFolder(tempDir().path, HANDLERS);
    renameSync(part, `${part}.away`);
    try {
      const { finished } = launch(["serve", folder, "--front", "builtin", "--port", "0"], { bin, cwd: home });
      expect(await finished).toMatchObject({ code: 70, stderr: expect.stringContaining("oxc-transform") });
    } finally {
      renameSync(`${part}.away`, part);
    }
  });

  it("gives handlers their types", async () => {
    writeFolder(home, {
      ...HANDLERS,
      "wrong.ts":
        'import { defineHandler } from "holdfast";\ndefineHandler({ fetch: (_request, ctx) => ctx.nothing });\n',
      "tsconfig.json": JSON.stringify({
        compilerOptions: { strict: true, noEmit: true, module: "nodenext", target: "es2023", types: [] },
      }),
    });
    const tsc = join(CHECKOUT, "node_modules/typescript/bin/tsc");
    const said = await promisify(execFile)(process.execPath, [tsc, "-p", home], { timeout: 30_000 }).catch(
      (error: { stdout: string }) => error,
    );
    expect(said.stdout.trim().split("\n")).toEqual([
      expect.stringMatching(/^\S*wrong\.ts\(2,\d+\): error TS2339: Property 'nothing' does not exist/),
    ]);
  }, 40_000);
});

describe("Holdfast, started by a Node that is too old", () => {
  let oldNode: string;
  beforeAll(async () => {
    oldNode = await findOldNode(join(dir.path, "old"));
  }, NPM_DEADLINE_MS);

  it("says what to do where no newer one is installed beside it, and ends with 69", async () => {
    const { finished } = launch(["serve"], { bin, cwd: home, node: oldNode });
    expect(await finished).toMatchObject({
      code: 69,
      stdout: "",
      stderr: expect.stringMatching(
        /^holdfast: this is Node \d+\.\S+, and that is too old\n {2}install Node 22\.18 or newer/,
      ),
    });
  });

  it("goes on in a newer one that is installed beside it", async () => {
    const node = join(home, "node_modules/node");
    symlinkSync(join(CHECKOUT, "node_modules/node"), node);
    try {
      const { finished } = launch(["--version"], { bin, cwd: home, node: oldNode });
      expect(await finished).toMatchObject({ code: 0, stdout: `${MANIFEST.version}\n`, stderr: "" });
    } finally {
      rmSync(node);
    }
  });

  describe("in a checkout, which brings its own", () => {
    it("serves", async () => {
      const folder = writeFolder(tempDir().path, HANDLERS);
      const { launched, url, end } = await serve(folder, { node: oldNode });
      expect((await ask(url, "/")).text).toBe("visit 1");
      expect(launched.output).toMatch(/^ {2}Node\.js +2[6-9]\./m);
      await end();
    });

    it("ends with the same exit code", async () => {
      const { finished } = launch(["start", "-c", "none.toml"], { node: oldNode, cwd: dir.path });
      expect(await finished).toMatchObject({ code: 78, stderr: expect.stringContaining("none.toml") });
    });

    it.each(["SIGTERM", "SIGINT"] as const)("passes %s on, and ends as it does", async (signal) => {
      const { launched } = await serve(writeFolder(tempDir().path, HANDLERS), { node: oldNode });
      const family = launched.descendants();
      launched.signal(signal);
      expect(await launched.finished).toMatchObject({ code: 0, signal: null });
      await eventually(() => !family.some(isRunning));
    });

    it("ends by the signal that ended it", async () => {
      const { launched } = await serve(writeFolder(tempDir().path, HANDLERS), { node: oldNode });
      const [program = 0, ...others] = launched.descendants();
      process.kill(program, "SIGKILL");
      expect(await launched.finished).toMatchObject({ code: null, signal: "SIGKILL" });
      await eventually(() => !others.some(isRunning));
    });
  });
});

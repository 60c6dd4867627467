// Holdfast as its users get it: packed by npm, and installed by npm where nothing of this checkout is.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const CHECKOUT = fileURLToPath(new URL("../../../", import.meta.url));

/** Everything npm does here is done by then, or has failed. */
export const NPM_DEADLINE_MS = 120_000;

const run = promisify(execFile);

export interface PackedFile {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
}

export interface Packed {
  readonly tarball: string;
  readonly unpackedSize: number;
  readonly files: readonly PackedFile[];
}

/** Packs what is built: the scripts are off, because a build would change the files under a running suite. */
export async function pack(folder: string): Promise<Packed> {
  const stdout = await npm(CHECKOUT, "pack", "--ignore-scripts", "--json", "--pack-destination", folder);
  const [packed] = JSON.parse(stdout) as [Omit<Packed, "tarball"> & { filename: string }];
  return { ...packed, tarball: join(folder, packed.filename) };
}

/** Installs a tarball, a folder or a package of the registry into `folder`, which is made if it is missing. */
export async function install(folder: string, what: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  // Without --prefix, npm would take the next folder above that has a package.json for the project.
  await npm(folder, "install", "--prefix", folder, "--prefer-offline", "--no-audit", "--no-fund", what);
}

/** A Node older than what we need: the machine's own, or else one from the registry, put into `folder`. */
export async function findOldNode(folder: string): Promise<string> {
  for (const program of ["/usr/bin/node", "/usr/local/bin/node"]) {
    if (existsSync(program) && (await majorOf(program)) < 22) return program;
  }
  const name = `node-${process.platform}-${process.arch}`;
  await install(folder, `${name}@20`);
  return join(folder, "node_modules", name, "bin/node");
}

async function majorOf(program: string): Promise<number> {
  const { stdout } = await run(program, ["--version"], { timeout: 10_000 });
  return Number(/^v(\d+)/.exec(stdout)?.[1]);
}

/** Resolves with its standard output; rejects with what it said. */
async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run("npm", [...args], { cwd, env: outerEnvironment(), timeout: NPM_DEADLINE_MS });
  return stdout;
}

/** Without what an npm that runs these tests has set for its own project; the Node of the tests runs npm too. */
function outerEnvironment(): NodeJS.ProcessEnv {
  const inner = /^(?:npm_(?!config_)|npm_config_(?:local_|global_)?prefix$|INIT_CWD$|NODE_OPTIONS$)/;
  const kept = Object.entries(process.env).filter(([name]) => !inner.test(name));
  return { ...Object.fromEntries(kept), PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
}

export interface Import {
  /** The file, relative to the package. */
  readonly from: string;
  readonly specifier: string;
}

/** Every import that the JavaScript or the declarations of a package write, its own node_modules not counted. */
export function importsOf(folder: string): readonly Import[] {
  const pattern =
    /(?:^|[;\s])(?:import|export)\s(?:[^"';]*?\sfrom\s)?\s*"([^"]+)"|\b(?:import|createRequire\(import\.meta\.url\))\("([^"]+)"\)|\bnew URL\("(\.[^"]+\.js)", import\.meta\.url\)/g;
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(?:js|d\.ts)$/.test(file) && !file.includes("node_modules"))
    .flatMap((from) =>
      [...readFileSync(join(folder, from), "utf8").matchAll(pattern)].map((match) => ({
        from,
        specifier: match[1] ?? match[2] ?? match[3] ?? "",
      })),
    );
}

/** Writes files into a folder that is made if it is missing; returns the folder. */
export function writeFolder(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

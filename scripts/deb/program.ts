// The installed program: what was built, the packages it runs on, and its own Node, in one folder with
// nothing of the checkout around it. The Debian package and the container image both install this.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ModuleFolder, productionModules } from "./modules.ts";
import { copy, type Entry, text } from "./tree.ts";

/** Where the program is installed. */
export const HOME = "usr/lib/holdfast";

/** The Node that package.json pins, with its licence. */
export interface BundledNode {
  readonly version: string;
  readonly program: string;
  readonly license: string;
}

export interface Program {
  readonly entries: readonly Entry[];
  readonly modules: readonly ModuleFolder[];
  readonly node: BundledNode;
}

/** Throws when something of it has not been built or installed. */
export function program(top: string): Program {
  const modules = productionModules(top, { os: process.platform, cpu: process.arch, libc: "glibc" });
  const node = bundledNode(top);
  const entries = [
    copy("usr/bin/holdfast", join(top, "conf/debian/holdfast.sh"), 0o755),
    text(`${HOME}/package.json`, manifest(top)),
    copy(`${HOME}/bin/holdfast.js`, join(top, "bin/holdfast.js"), 0o755),
    copy(`${HOME}/bin/node`, node.program, 0o755),
    ...["dist/src", "dist/workers"].flatMap((folder) => built(top, folder)),
    // What `holdfast init` copies.
    ...["examples/starters", "examples/guestbook"].flatMap((folder) => copies(join(top, folder), `${HOME}/${folder}`)),
    ...modules.flatMap(({ path }) => loadable(top, path)),
  ];
  return { entries, modules, node };
}

/** Only what the program (`init`: the versions of packages), and who imports `holdfast`, looks at: the checkout's scripts do not work there. */
function manifest(top: string): string {
  const { name, version, description, license, type, engines, bin, exports, dependencies, devDependencies } =
    JSON.parse(readFileSync(join(top, "package.json"), "utf8"));
  return `${JSON.stringify({ name, version, description, license, type, engines, bin, exports, dependencies, devDependencies }, undefined, 2)}\n`;
}

function bundledNode(top: string): BundledNode {
  const folder = join(top, "node_modules/node");
  const path = join(folder, "bin/node");
  if (!existsSync(path)) throw new Error("the pinned Node is missing: run `npm ci` first");
  const binary = `node-${process.platform}-${process.arch}`;
  const places = [join(folder, "node_modules", binary), join(top, "node_modules", binary)];
  const license = places.map((place) => join(place, "LICENSE")).find((file) => existsSync(file));
  // An old npm installs it and prunes it again.
  if (license === undefined) throw new Error("the licence of the pinned Node is missing: run `npm rebuild node` first");
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return { version, program: path, license };
}

/** What tsc wrote, without what only an editor or a debugger of the checkout looks at. */
function built(top: string, folder: string): readonly Entry[] {
  if (!existsSync(join(top, folder))) throw new Error(`${folder} is missing: run \`npm run build\` first`);
  return copies(join(top, folder), `${HOME}/${folder}`).filter(({ path }) => !/\.(?:map|d\.ts)$/.test(path));
}

/** What Node loads of a package, and its licence: without its tests, pages, types and sources. */
function loadable(top: string, path: string): readonly Entry[] {
  return copies(join(top, path), `${HOME}/${path}`).filter(({ path: file }) => {
    const below = file.slice(`${HOME}/${path}/`.length);
    return LICENSE_FILE.test(below) || (LOADED.test(below) && !UNUSED_FOLDER.test(below));
  });
}

/** Names of licence files at the top of npm packages; UNLICENSE is the public domain's. */
export const LICENSE_FILE = /^(?:UN)?LICEN[CS]E(?:\.md|\.txt)?$/i;
const LOADED = /\.(?:[cm]?js|json|node|wasm)$/;
const UNUSED_FOLDER = /^(?:.*\/)?(?:tests?|benchmarks?|bench|examples?|docs?|docsify|coverage)\//;

/** Every file below `folder` that is not hidden, and none of them a program. */
export function copies(folder: string, to: string): readonly Entry[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    .map((from) => from.slice(folder.length + 1))
    .filter((name) => !name.split("/").some((part) => part.startsWith(".")))
    .toSorted()
    .map((name) => copy(`${to}/${name}`, join(folder, name)));
}

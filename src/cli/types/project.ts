// What there is to check below a folder, and what the project's own TypeScript needs to be told about it.

import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Fault } from "../../base/fault.ts";
import { EmitOptionsReader } from "../../loader/tsconfig.ts";

export interface Project {
  /** Absolute, without symbolic links. */
  readonly root: string;
  /** Modules, absolute. Declarations are among them. */
  readonly modules: readonly string[];
  /** Server pages that answer by themselves; layouts and includes are looked at with them. */
  readonly pages: readonly string[];
}

/** More files are no site. */
const FILES_MAX = 20_000;
const MODULE = /\.(?:ts|tsx|mts|cts)$/;

/** A folder's modules and pages, or one module. Throws Fault USAGE for too many. */
export function projectOf(target: { readonly kind: "root" | "app"; readonly path: string }): Project {
  if (target.kind === "app") {
    const root = dirname(target.path);
    const isPage = target.path.endsWith(".tsp");
    return { root, modules: isPage ? [] : [target.path], pages: isPage ? [target.path] : [] };
  }
  const files = filesBelow(target.path);
  const isPart = (file: string): boolean =>
    relative(target.path, file)
      .split("/")
      .some((name) => name.startsWith("_"));
  return {
    root: target.path,
    modules: files.filter((file) => MODULE.test(file)),
    pages: files.filter((file) => file.endsWith(".tsp") && !isPart(file)),
  };
}

function filesBelow(root: string): string[] {
  const files: string[] = [];
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const { name } = entry;
      if (name.startsWith(".") || name === "node_modules") continue;
      if (entry.isDirectory()) folders.push(join(folder, name));
      else if (entry.isFile() && (MODULE.test(name) || name.endsWith(".tsp"))) files.push(join(folder, name));
    }
    if (files.length > FILES_MAX) {
      throw new Fault("USAGE", `there are more than ${FILES_MAX} modules below ${root}`, {
        hint: "name the folder of handlers and pages",
      });
    }
  }
  return files.sort();
}

/** The `tsc` of the project, else the one beside Holdfast. Throws Fault USAGE where there is neither. */
export function findTsc(root: string): string {
  for (const from of [join(root, "_"), import.meta.url]) {
    const manifest = resolved("typescript/package.json", from);
    if (manifest !== undefined) return join(dirname(manifest), "bin", "tsc");
  }
  throw new Fault("USAGE", `there is no TypeScript for ${root}`, {
    hint: "install it there: npm install --save-dev typescript",
  });
}

/** The nearest tsconfig.json at or above a folder. */
export function findTsconfig(folder: string): string | undefined {
  const file = join(folder, "tsconfig.json");
  if (existsSync(file)) return file;
  const parent = dirname(folder);
  return parent === folder ? undefined : findTsconfig(parent);
}

/** Our declarations; the folder above is dist/src/cli. */
export const OWN = {
  runtime: fileURLToPath(new URL("../../pages/runtime/define.js", import.meta.url)),
  paths: {
    holdfast: [fileURLToPath(new URL("../../index.d.ts", import.meta.url))],
    "holdfast/jsx": [fileURLToPath(new URL("../../app/jsx/index.d.ts", import.meta.url))],
    "holdfast/jsx-runtime": [fileURLToPath(new URL("../../app/jsx/runtime.d.ts", import.meta.url))],
    "holdfast/jsx-dev-runtime": [fileURLToPath(new URL("../../app/jsx/dev-runtime.d.ts", import.meta.url))],
  },
};

/** A tsconfig.json for `files`, some of which lie in `generated` as if they lay in the root. */
export function tsconfigFor(project: Project, generated: string, files: readonly string[]): object {
  const { root } = project;
  const own = findTsconfig(root);
  const usesOurJsx = new EmitOptionsReader().forFolder(root).jsxImportSource === "holdfast";
  const compilerOptions = {
    ...(own === undefined ? DEFAULTS : {}),
    ...(own === undefined ? nodeTypes(root) : {}),
    ...(usesOurJsx ? { jsx: "react-jsx", jsxImportSource: "holdfast" } : {}),
    // An app without a copy of its own uses this installation's when it runs, too.
    ...(resolved("holdfast/package.json", join(root, "_")) === undefined ? { paths: OWN.paths } : {}),
    rootDirs: [root, generated],
    rootDir: "/",
    noEmit: true,
    composite: false,
    incremental: false,
    tsBuildInfoFile: null,
    declaration: false,
    declarationMap: false,
    emitDeclarationOnly: false,
    allowImportingTsExtensions: true,
    allowArbitraryExtensions: true,
    skipLibCheck: true,
    // What a page does not use of its names is no mistake of its author's.
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
  return {
    ...(own === undefined ? {} : { extends: own }),
    compilerOptions,
    files,
    include: [],
    exclude: [],
    references: [],
  };
}

const DEFAULTS = {
  strict: true,
  target: "esnext",
  lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
  module: "esnext",
  moduleResolution: "bundler",
};

function nodeTypes(root: string): object {
  for (const from of [join(root, "_"), import.meta.url]) {
    const manifest = resolved("@types/node/package.json", from);
    if (manifest !== undefined) return { types: ["node"], typeRoots: [dirname(dirname(manifest))] };
  }
  return { types: [] };
}

function resolved(specifier: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(specifier);
  } catch {
    // Not installed there.
    return undefined;
  }
}

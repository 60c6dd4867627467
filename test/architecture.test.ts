// The layer rule of ARCHITECTURE.md, as code: who may import whom, and which package or module has
// exactly one address.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const PROJECT = path.resolve(import.meta.dirname, "../..");

const LIBRARIES = ["fastcgi", "cgi", "config", "app", "pages", "loader", "telemetry", "deploy"] as const;
const PLACES = ["cli", "supervisor", "pool", "front", "workers"] as const;

/** Folder → folders it may import, besides its own and `base`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  fastcgi: [],
  cgi: ["fastcgi"],
  config: [],
  app: [],
  pages: ["app"],
  loader: ["pages"],
  telemetry: [],
  deploy: ["config"],
  messages: [...LIBRARIES],
  pool: [...LIBRARIES, "messages"],
  front: [...LIBRARIES, "messages"],
  workers: [...LIBRARIES, "messages"],
  supervisor: [...LIBRARIES, "messages"],
  // The command line becomes the supervisor (`start`, `serve`) and runs the fronts.
  cli: [...LIBRARIES, "messages", "supervisor", "front"],
  // What a handler's author imports.
  index: ["app"],
};

/** Package or Node module → the only files that may import it. */
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  piscina: ["src/pool/threads.ts"],
  "node-fastcgi": ["src/pool/gateway-node-fastcgi.ts"],
  "node:inspector/promises": ["src/pool/thread-inspection.ts"],
  "oxc-transform": ["src/loader/transpile.ts"],
  hono: ["src/app/jsx/dev-runtime.ts", "src/app/jsx/index.ts", "src/app/jsx/render.ts", "src/app/jsx/runtime.ts"],
  chokidar: ["src/pool/watch.ts"],
  pino: ["src/telemetry/log.ts"],
  cookie: ["workers/cookies.ts"],
  "@fastify/busboy": ["workers/forms/multipart.ts"],
  "@redis/client": ["workers/session/stores/redis.ts"],
  pg: ["workers/session/stores/postgres.ts"],
  "node:sqlite": ["workers/session/stores/sqlite.ts"],
  "smol-toml": ["src/config/render.ts", "src/config/sources.ts"],
};

/** Libraries that know no I/O at all. */
const PURE = ["fastcgi", "cgi", "deploy", "pages"];

interface SourceFile {
  readonly file: string;
  readonly folder: string;
  readonly imports: readonly { readonly specifier: string; readonly typeOnly: boolean }[];
}

function sources(): SourceFile[] {
  const files = ["src", "workers"].flatMap((top) =>
    readdirSync(path.join(PROJECT, top), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
      .map((name) => path.join(top, name)),
  );
  return files.map((file) => ({
    file,
    folder: folderOf(file),
    imports: importsOf(readFileSync(path.join(PROJECT, file), "utf8")),
  }));
}

function folderOf(file: string): string {
  const [top, second = ""] = file.split(path.sep);
  if (top === "workers") return "workers";
  return second.endsWith(".ts") ? path.basename(second, ".ts") : second;
}

function importsOf(text: string): SourceFile["imports"] {
  const pattern = /^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm;
  return [...text.matchAll(pattern)].map((match) => ({
    specifier: match[2] ?? "",
    typeOnly: match[1] !== undefined,
  }));
}

function targetOf(file: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? path.join(path.dirname(file), specifier) : undefined;
}

const files = sources();

describe("the layer rule", () => {
  it("sees the whole tree", () => {
    expect(files.length).toBeGreaterThan(60);
    for (const folder of [...LIBRARIES, ...PLACES]) expect(files.some((file) => file.folder === folder)).toBe(true);
    expect(files.flatMap((file) => file.imports).length).toBeGreaterThan(200);
  });

  it("lets each folder import only what stands below it; places never import each other", () => {
    const broken = files.flatMap(({ file, folder, imports }) =>
      imports
        .map(({ specifier }) => targetOf(file, specifier))
        .filter((target) => target !== undefined)
        .filter((target) => {
          const to = folderOf(target);
          return to !== folder && to !== "base" && !(MAY_IMPORT[folder] ?? []).includes(to);
        })
        .map((target) => `${file} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it("has no cycles between files", () => {
    const graph = new Map(
      files.map(({ file, imports }) => [
        file,
        imports
          .filter(({ typeOnly }) => !typeOnly)
          .map(({ specifier }) => targetOf(file, specifier))
          .filter((target) => target !== undefined),
      ]),
    );
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) {
        cycles.push([...trail.slice(trail.indexOf(file)), file].join(" → "));
        return;
      }
      if (done.has(file)) return;
      for (const target of graph.get(file) ?? []) visit(target, [...trail, file]);
      done.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });

  // Each costs every process that loads it megabytes: on a shared host, every pool of every customer.
  const HTTP = ["node:http", "node:https", "node:inspector"];
  const COMMANDS = ["zod", "smol-toml", "commander"];

  it.each([
    ["src/cli/main.ts", HTTP],
    ["src/pool/main.ts", [...HTTP, ...COMMANDS]],
    ["workers/main.ts", [...HTTP, ...COMMANDS]],
    ["workers/host.ts", [...HTTP, ...COMMANDS, "oxc-transform", "node:v8"]],
  ])("keeps out of what %s loads what only others need", (entry, dear) => {
    const loaded = new Set<string>();
    const packages = new Set<string>();
    const load = (file: string): void => {
      if (loaded.has(file)) return;
      loaded.add(file);
      for (const { specifier, typeOnly } of files.find((each) => each.file === file)?.imports ?? []) {
        if (typeOnly) continue;
        const target = targetOf(file, specifier);
        if (target === undefined) packages.add(specifier);
        else load(target);
      }
    };
    load(entry);
    expect(loaded.size).toBeGreaterThan(5);
    expect(dear.filter((name) => packages.has(name))).toEqual([]);
  });

  it("keeps I/O out of the pure libraries", () => {
    const impure = files
      .filter(({ folder }) => PURE.includes(folder))
      .flatMap(({ file, imports }) =>
        imports
          .filter(({ specifier }) => specifier.startsWith("node:"))
          .map(({ specifier }) => `${file} → ${specifier}`),
      );
    expect(impure).toEqual([]);
  });
});

describe("a dependency has one address", () => {
  it.each(Object.entries(ADDRESSES))("%s", (dependency, addresses) => {
    const importers = files
      .filter(({ imports }) =>
        imports.some(({ specifier }) => specifier === dependency || specifier.startsWith(`${dependency}/`)),
      )
      .map(({ file }) => file);
    expect(importers).toEqual(addresses);
  });

  it("the wall clock is read for what outlives every process only: deadlines are monotonic", () => {
    const readers = files
      .filter(({ file }) => /\bDate\.now\(/.test(readFileSync(path.join(PROJECT, file), "utf8")))
      .map(({ file }) => file);
    expect(readers).toEqual(["workers/session/wall-clock.ts"]);
  });
});

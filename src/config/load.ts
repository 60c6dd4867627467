// Files or a table → a complete configuration, or every mistake in it at once. Read in one process,
// once; from here it travels as data.

import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Fault } from "../base/fault.ts";
import { checkControl, checkPool, type Findings, findDuplicates } from "./checks.ts";
import type { LogTarget } from "./log-kinds.ts";
import { formatMistake, type KeyPath, type Mistake, toFault } from "./mistake.ts";
import { isTable, type Report, readTable, refuseUnknown } from "./read.ts";
import {
  type Config,
  type ListenAddress,
  POOL,
  POOL_NAME,
  type PoolConfig,
  SUPERVISOR,
  type SupervisorConfig,
} from "./schema.ts";
import { readSecrets } from "./secrets.ts";
import { readSources, type Source } from "./sources.ts";
import type { WrittenTable } from "./table.ts";

/** A configuration as TOML would hold it: `{ pools: { www: { listen: "./www.sock", root: "." } } }`. */
export interface WrittenConfig {
  readonly supervisor?: WrittenTable<typeof SUPERVISOR>;
  readonly pools: Readonly<Record<string, WrittenTable<typeof POOL>>>;
}

export interface Loaded {
  readonly config: Config;
  /** Absolute paths of what was read, the main file first. */
  readonly files: readonly string[];
  /** Lines for the reader: what is allowed but will not do what it seems to. */
  readonly warnings: readonly string[];
}

const DEFAULT_FILES = ["/etc/holdfast/holdfast.toml", "holdfast.toml"];

/** The file that `-c` names, else the first default that exists. Throws CONFIG when there is none. */
export function findConfig(option: string | undefined): string {
  if (option !== undefined) return resolve(option);
  const found = DEFAULT_FILES.find((file) => existsSync(file));
  if (found !== undefined) return resolve(found);
  throw new Fault("CONFIG", `there is no configuration: neither ${DEFAULT_FILES[0]} nor ./${DEFAULT_FILES[1]}`, {
    hint: "name one with -c FILE, or run `holdfast serve FOLDER`, which needs none",
  });
}

/** Reads `file` and what it includes. Throws one CONFIG fault that lists every mistake. */
export function loadConfig(file: string): Loaded {
  const mistakes: Mistake[] = [];
  const warnings: Mistake[] = [];
  const sources = readSources(file, { mistakes, warnings });
  return load(sources, mistakes, warnings);
}

/** Only what [supervisor] says: a mistake in a pool must not keep anybody from stopping it. Throws CONFIG. */
export function loadSupervisor(file: string): SupervisorConfig {
  const mistakes: Mistake[] = [];
  const [main] = readSources(file, { mistakes, warnings: [] });
  if (main === undefined) throw toFault(mistakes, []);
  const ours: Mistake[] = [];
  const supervisor = readSupervisor(main, findingsOf(main, [], ours, []));
  const inTheWay = ours.filter(({ path }) => path[0] === "supervisor");
  if (inTheWay.length > 0) throw toFault(inTheWay, []);
  return supervisor as SupervisorConfig;
}

/** As loadConfig, for a table made in memory; relative paths are relative to `folder`. */
export function resolveConfig(written: WrittenConfig, folder: string): Loaded {
  const source: Source = { file: "configuration", folder, table: { ...written }, lineOf: () => undefined };
  return { ...load([source], [], []), files: [] };
}

function load(sources: readonly Source[], mistakes: Mistake[], warnings: Mistake[]): Loaded {
  const files = sources.map(({ file }) => file);
  const [main] = sources;
  const supervisor = main === undefined ? {} : readSupervisor(main, findingsOf(main, [], mistakes, warnings));
  const pools = sources.flatMap((source) => readPools(source, mistakes, warnings));
  checkTogether(pools, supervisor.control, main, mistakes);
  if (mistakes.length > 0) throw toFault(mistakes, files);
  return {
    // Nothing was reported, so nothing is missing: readTable's promise.
    config: { supervisor: supervisor as Config["supervisor"], pools: pools.map(({ pool }) => pool as PoolConfig) },
    files,
    warnings: warnings.map(formatMistake),
  };
}

function readSupervisor(main: Source, findings: Findings): Partial<Config["supervisor"]> {
  refuseUnknown(Object.keys(main.table), ["include", "supervisor", "pools"], findings.error);
  const below = belowOf(findings, ["supervisor"]);
  const values = readTable(SUPERVISOR, main.table.supervisor ?? {}, below.error);
  const log = values.log === undefined ? {} : { log: absoluteTarget(values.log, main.folder) };
  if (values.control === undefined) return { ...values, ...log };
  const control = resolve(main.folder, values.control);
  checkControl(control, below);
  return { ...values, ...log, control };
}

interface ReadPool {
  readonly pool: Partial<PoolConfig> & { readonly name: string };
  readonly source: Source;
}

function readPools(source: Source, mistakes: Mistake[], warnings: Mistake[]): readonly ReadPool[] {
  const { pools = {} } = source.table;
  if (!isTable(pools)) {
    findingsOf(source, [], mistakes, warnings).error(["pools"], "expected tables such as [pools.www]");
    return [];
  }
  return Object.entries(pools).map(([name, written]) => {
    const findings = findingsOf(source, ["pools", name], mistakes, warnings);
    if (!POOL_NAME.test(name)) {
      findings.error([], "is no name for a pool", "1 to 32 letters, digits, - and _; a letter or digit first");
    }
    const values = withSecrets(
      absolutePaths(readTable(POOL, written, findings.error), source.folder),
      source,
      findings,
    );
    if (isTable(written)) checkPool({ pool: values, written }, findings);
    return { pool: { ...values, name }, source };
  });
}

function absolutePaths(pool: Partial<PoolConfig>, folder: string): Partial<PoolConfig> {
  const { listen, root, app, chdir, accessLog, session } = pool;
  const absolute: ListenAddress | undefined =
    listen?.kind === "unix" ? { kind: "unix", path: resolve(folder, listen.path) } : listen;
  return {
    ...pool,
    ...(absolute === undefined ? {} : { listen: absolute }),
    ...(root === undefined ? {} : { root: resolve(folder, root) }),
    ...(app === undefined ? {} : { app: resolve(folder, app) }),
    ...(accessLog === undefined ? {} : { accessLog: absoluteTarget(accessLog, folder) }),
    ...(session?.path === undefined ? {} : { session: { ...session, path: resolve(folder, session.path) } }),
    ...workingFolder(folder, chdir ?? root ?? (app === undefined ? undefined : dirname(app))),
  };
}

function withSecrets(pool: Partial<PoolConfig>, source: Source, findings: Findings): Partial<PoolConfig> {
  const { cookies } = pool;
  if (cookies?.secrets === undefined) return pool;
  return { ...pool, cookies: { ...cookies, secrets: readSecrets(cookies.secrets, source, findings) } };
}

const absoluteTarget = (target: LogTarget, folder: string): LogTarget =>
  target.kind === "file" ? { kind: "file", path: resolve(folder, target.path) } : target;

const workingFolder = (folder: string, chdir: string | undefined): { chdir?: string } =>
  chdir === undefined ? {} : { chdir: resolve(folder, chdir) };

function checkTogether(
  pools: readonly ReadPool[],
  control: string | undefined,
  main: Source | undefined,
  mistakes: Mistake[],
): void {
  if (main !== undefined && pools.length === 0 && mistakes.length === 0) {
    const hint = "add a table such as [pools.www]";
    mistakes.push({ file: main.file, line: undefined, path: [], message: "there is no pool", hint });
  }
  const unique: ReadPool[] = [];
  for (const read of pools) {
    const first = unique.find(({ pool }) => pool.name === read.pool.name);
    if (first === undefined) unique.push(read);
    else findingsOf(read.source, ["pools", read.pool.name], mistakes, []).error([], `is in ${first.source.file} too`);
  }
  findDuplicates(
    unique.map(({ pool }) => pool),
    control,
    (name, message) => {
      const source = unique.find(({ pool }) => pool.name === name)?.source ?? main;
      if (source !== undefined) findingsOf(source, ["pools", name], mistakes, []).error(["listen"], message);
    },
  );
}

function findingsOf(source: Source, at: KeyPath, mistakes: Mistake[], warnings: Mistake[]): Findings {
  const into =
    (list: Mistake[]): Report =>
    (below, message, hint) => {
      const path = [...at, ...below];
      const line = source.lineOf(path);
      list.push({ file: source.file, line, path, message, ...(hint === undefined ? {} : { hint }) });
    };
  return { error: into(mistakes), warning: into(warnings) };
}

function belowOf(findings: Findings, at: KeyPath): Findings {
  return {
    error: (path, message, hint) => findings.error([...at, ...path], message, hint),
    warning: (path, message, hint) => findings.warning([...at, ...path], message, hint),
  };
}

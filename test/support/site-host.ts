// A worker's host over a folder whose modules are given as objects: files are on disk, nothing is compiled.

import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { Loader } from "../../src/loader/hooks.ts";
import type { WorkerBoot } from "../../src/messages/lane.ts";
import type { Host } from "../../workers/exchange.ts";
import { type HostTools, hostFor, makeApps } from "../../workers/host.ts";
import { FakeExchange, type FakeExchangeOptions } from "./fake-exchange.ts";
import type { TempDir } from "./temp-dir.ts";
import { workerBoot } from "./worker-boot.ts";

/** Nothing of theirs listens late. */
const LISTEN_WAIT_MS = 10;

export type Modules = Readonly<Record<string, Record<string, unknown> | Error>>;

export interface Asking {
  readonly host: Host;
  /** What the host logged, of no request. */
  readonly lines: readonly string[];
  ask(options?: FakeExchangeOptions): Promise<FakeExchange>;
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<FakeExchange>;
}

export interface SiteHost extends Asking {
  readonly root: string;
  /** What was loaded, in order, relative to the root. */
  readonly loaded: string[];
  /** Where it was looked for files that would change the site. */
  readonly looked: string[];
}

/** `modules` by file name below the root; an Error is thrown by its import. */
export async function siteHost(dir: TempDir, modules: Modules, options: Partial<WorkerBoot> = {}): Promise<SiteHost> {
  for (const name of Object.keys(modules)) dir.write(`www/${name}`, "");
  const root = realpathSync(join(dir.path, "www"));
  const loaded: string[] = [];
  const looked: string[] = [];
  const byFile = Object.fromEntries(Object.entries(modules).map(([name, found]) => [join(root, name), found]));
  const watch = {
    imports: (file: string) => void loaded.push(file.slice(root.length + 1)),
    looks: (path: string) => void looked.push(path),
  };
  return { root, loaded, looked, ...(await hostOver(byFile, { root, ...options }, watch)) };
}

/** A host of `kind = "publisher"` whose one module is given. */
export function appHost(app: string, exports: Record<string, unknown>, mount: string): Promise<Asking> {
  return hostOver({ [app]: exports }, { app, mount, kind: "publisher" });
}

interface Watch {
  imports(file: string): void;
  looks(path: string): void;
}

/** A host whose modules are `modules`, by file; it may import no others. */
export async function hostOver(
  modules: Modules,
  options: Partial<WorkerBoot>,
  { imports, looks }: Watch = { imports() {}, looks() {} },
): Promise<Asking> {
  const lines: string[] = [];
  const tools: HostTools = {
    loaded: looks,
    log: (level, message) => void lines.push(`${level} ${message}`),
  };
  const loader: Loader = {
    async import(file) {
      imports(file);
      const found = modules[file];
      if (found === undefined) throw new Error(`no module ${file}`);
      if (found instanceof Error) throw found;
      return found;
    },
    read: () => ({ source: "", format: undefined }),
    forget() {},
  };
  const boot = workerBoot(options);
  const host = await hostFor(boot, tools, makeApps(boot, tools, loader, LISTEN_WAIT_MS));
  const ask = async (asked: FakeExchangeOptions = {}): Promise<FakeExchange> => {
    const exchange = new FakeExchange(asked);
    host.handle(exchange);
    await exchange.answered;
    return exchange;
  };
  return { host, lines, ask, get: (url, headers = {}) => ask({ url, headers }) };
}

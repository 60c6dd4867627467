// A worker's host over a folder whose modules are given as objects: files are on disk, nothing is compiled.

import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { Loader } from "../../src/loader/hooks.ts";
import type { WorkerBoot } from "../../src/messages/lane.ts";
import type { Host } from "../../workers/exchange.ts";
import { type HostTools, hostFor, makeApps } from "../../workers/host.ts";
import { FakeExchange, type FakeExchangeOptions } from "./fake-exchange.ts";
import { FORM_LIMITS } from "./form-limits.ts";
import { sessionOptions } from "./session-options.ts";
import type { TempDir } from "./temp-dir.ts";

const BOOT: WorkerBoot = {
  worker: 1,
  generation: 1,
  pool: "www",
  app: undefined,
  root: undefined,
  kind: "auto",
  mount: "",
  index: ["index.ts", "index.html"],
  serveStatic: false,
  showErrors: false,
  bodyLimitBytes: 1000,
  disposeTimeoutMs: 5000,
  logLimitBytes: 1024,
  cacheDir: undefined,
  cookieSecrets: [],
  session: sessionOptions(),
  processes: 1,
  form: FORM_LIMITS,
};

export type Modules = Readonly<Record<string, Record<string, unknown> | Error>>;

export interface Asking {
  readonly host: Host;
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
  const loader = {
    async import(file: string) {
      const name = file.slice(root.length + 1);
      loaded.push(name);
      const found = modules[name];
      if (found === undefined) throw new Error(`no module ${name}`);
      if (found instanceof Error) throw found;
      return found;
    },
    read: () => ({ source: "", format: undefined }),
    forget() {},
  };
  const boot: WorkerBoot = { ...BOOT, root, ...options };
  const tools = { loaded: (path: string) => void looked.push(path), log() {} };
  return { root, loaded, looked, ...(await asking(boot, tools, loader)) };
}

/** A host of `kind = "publisher"` whose one module is given. */
export function appHost(app: string, exports: Record<string, unknown>, mount: string): Promise<Asking> {
  const boot: WorkerBoot = { ...BOOT, app, mount, kind: "publisher" };
  return asking(
    boot,
    { loaded() {}, log() {} },
    {
      import: async () => exports,
      read: () => ({ source: "", format: undefined }),
      forget() {},
    },
  );
}

async function asking(boot: WorkerBoot, tools: HostTools, loader: Loader): Promise<Asking> {
  const host = await hostFor(boot, tools, makeApps(boot, tools, loader));
  const ask = async (asked: FakeExchangeOptions = {}): Promise<FakeExchange> => {
    const exchange = new FakeExchange(asked);
    host.handle(exchange);
    await exchange.answered;
    return exchange;
  };
  return { host, ask, get: (url, headers = {}) => ask({ url, headers }) };
}

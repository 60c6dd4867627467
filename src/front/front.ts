// The two fronts of `serve` as one thing: what stands before the pool, what it needs of the pool, and
// how it is started and stopped.

import { Fault } from "../base/fault.ts";
import type { PoolConfig } from "../config/schema.ts";
import { type ApacheLayout, renderApache } from "../deploy/apache.ts";
import { backendTimeoutSeconds } from "../deploy/apache-backend.ts";
import { holdsPrograms } from "../deploy/apache-layouts.ts";
import type { Log } from "../telemetry/log.ts";
import { type Account, apacheAccount, canReadFolder } from "./accounts.ts";
import { type ApacheProgram, findApache } from "./find-apache.ts";

export const FRONTS = ["auto", "apache", "builtin"] as const;
export type FrontChoice = (typeof FRONTS)[number];

/** What will stand before the pool. */
export type FrontPlan =
  | {
      readonly kind: "apache";
      readonly program: ApacheProgram;
      /** Undefined: Apache's processes are we. */
      readonly account: Account | undefined;
      /** `prefix`: the pool serves the static files too. */
      readonly layout: Extract<ApacheLayout, "files" | "prefix">;
    }
  | {
      readonly kind: "builtin";
      /** Why there is no Apache although it was wanted. */
      readonly reason: string | undefined;
    };

export interface Site {
  /** The folder of handlers; undefined for an app. */
  readonly root: string | undefined;
  readonly kind: PoolConfig["kind"];
  readonly ownerUid: number;
}

export interface Front {
  readonly url: string;
  /** For people: what it is. */
  readonly description: string;
  /** Paths of log files. */
  readonly logs: readonly string[];
  /** Resolves when it is gone: with a Fault when `stop` had not been called. */
  readonly ended: Promise<Fault | undefined>;
  /** Lets open requests go on for a moment, at most `withinMs`. */
  stop(withinMs?: number): Promise<void>;
}

const INSTALL_HINT = "install the program without its service: apt-get install --no-install-recommends apache2-bin";
/** Open requests may go on for so long after the stop. */
const CLOSE_WITHIN_MS = 2000;

/** Throws Fault LISTEN when Apache was asked for and cannot be had. */
export async function planFront(choice: FrontChoice, site: Site): Promise<FrontPlan> {
  if (choice === "builtin") return { kind: "builtin", reason: undefined };
  const search = await findApache();
  const missing = (reason: string): FrontPlan => {
    if (choice === "apache") throw new Fault("LISTEN", reason, { hint: INSTALL_HINT });
    return { kind: "builtin", reason: `${reason} (${INSTALL_HINT})` };
  };
  if (search.kind === "missing") return missing(search.reason);
  const { program } = search;
  if (process.getuid?.() !== 0) return { kind: "apache", program, account: undefined, layout: layoutFor(site) };
  const account = apacheAccount(site.ownerUid);
  if (account === undefined) return missing("there is no account that Apache's processes could run as");
  return { kind: "apache", program, account, layout: layoutFor(site, account) };
}

/** Apache serves the files itself if it can read them and name their folder. */
function layoutFor(site: Site, account?: Account): "files" | "prefix" {
  const { root } = site;
  if (root === undefined || holdsPrograms(site) || /[*?[\]"\\$%|]/.test(root)) return "prefix";
  return account === undefined || canReadFolder(account, root) ? "files" : "prefix";
}

export interface FrontOptions {
  readonly plan: FrontPlan;
  readonly pool: PoolConfig;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Private; for configuration and logs. */
  readonly folder: string;
  readonly log: Log;
}

/** The pool must be listening. Rejects with Fault LISTEN. */
export async function startFront(options: FrontOptions): Promise<Front> {
  return options.plan.kind === "apache" ? startApacheFront(options, options.plan) : startBuiltinFront(options);
}

async function startApacheFront(
  { pool, host, port, folder }: FrontOptions,
  { program, account, layout }: Extract<FrontPlan, { kind: "apache" }>,
): Promise<Front> {
  const { startApache } = await import("./apache.ts");
  const site = [renderApache([pool], { layout })];
  const apache = await startApache({ program, folder, host, port, account, site });
  const who = account === undefined ? "" : ` as ${account.user}`;
  return {
    url: urlOf(host, apache.port),
    description: `Apache ${program.version} (${program.path})${who}, ${layout === "files" ? "handlers by SetHandler" : "everything by ProxyPass"}`,
    logs: [apache.errorLog, apache.accessLog],
    ended: apache.ended,
    stop: (withinMs) => apache.stop(withinMs),
  };
}

async function startBuiltinFront({ pool, host, port, log }: FrontOptions): Promise<Front> {
  // Every command loads this file, and node:http is the dearest part of it.
  const { startHttpFront } = await import("./http.ts");
  const front = await startHttpFront({
    host,
    port,
    backend: pool.listen,
    timeoutMs: backendTimeoutSeconds(pool) * 1000,
    documentRoot: pool.root ?? "/",
    log,
  });
  return {
    url: urlOf(host, front.port),
    description: "built-in HTTP",
    logs: [],
    // It lives in this process, and ends only when asked to.
    ended: new Promise(() => {}),
    stop: (withinMs = CLOSE_WITHIN_MS) => front.close(withinMs),
  };
}

function urlOf(host: string, port: number): string {
  const shown = host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return `http://${shown.includes(":") ? `[${shown}]` : shown}:${port}/`;
}

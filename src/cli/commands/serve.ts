// `holdfast serve`: one command from a folder to a running site. A private pool, a front before it,
// and nothing left of either afterwards.

import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import { Fault } from "../../base/fault.ts";
import { VERSION } from "../../base/version.ts";
import { KINDS, type PoolConfig } from "../../config/schema.ts";
import { describeThreads } from "../../config/thread-count.ts";
import { FRONTS, type Front, type FrontChoice, planFront, startFront } from "../../front/front.ts";
import { openPrivateFolder } from "../../front/private-folder.ts";
import { closeInherited, handleSignals, type RunningSupervisor, startSupervisor } from "../../supervisor/main.ts";
import { type Log, resolveLogFormat, terminalLog } from "../../telemetry/log.ts";
import { editorTemplate } from "../editor.ts";
import { print, table } from "../print.ts";
import { privateConfig } from "../private-pool.ts";
import { findTarget, type Target } from "../target.ts";
import { unguardedFiles } from "../unguarded-files.ts";

interface Options {
  readonly port: number;
  readonly host: string;
  readonly front: FrontChoice;
  readonly threads?: number;
  readonly kind: PoolConfig["kind"];
  readonly watch: boolean;
  readonly liveReload: boolean;
}

/** Below the messages of the log. */
const REQUEST_LINE = `${" ".repeat(19)}%m %r%Q%q %s  %{milliseconds}d ms  %b bytes`;

export function serveCommand(): Command {
  return new Command("serve")
    .description("run a folder of handlers or one app, behind an Apache of its own if there is one")
    .argument("[path]", "a folder of handlers and pages, or one app module", ".")
    .option("--port <number>", "port of the site; 0 takes any free one", portNumber, 8000)
    .option("--host <address>", "address of the site", "127.0.0.1")
    .addOption(new Option("--front <front>", "what stands before the pool").choices(FRONTS).default("auto"))
    .option("--threads <number>", `worker threads (default: ${availableParallelism()})`, threadNumber)
    .addOption(
      new Option("--kind <kind>", "what the modules are, as the pool's option `kind`").choices(KINDS).default("auto"),
    )
    .option("--no-watch", "leave the workers alone when files change")
    .option("--no-live-reload", "leave pages in the browser alone when files change")
    .action(async (path: string, options: Options) => {
      closeInherited();
      const folder = openPrivateFolder();
      const log = terminalLog();
      const starting = start(path, options, folder.path, log);
      // Before anything is there, because a signal without a handler would leave it behind.
      const release = handleSignals(starting, log);
      try {
        await (await starting).run();
      } finally {
        release();
        folder.remove();
      }
    });
}

async function start(path: string, options: Options, folder: string, log: Log): Promise<Site> {
  const target = findTarget(path);
  const plan = await planFront(options.front, {
    root: target.kind === "root" ? target.path : undefined,
    kind: options.kind,
    ownerUid: target.ownerUid,
  });
  const { config, pool, warnings } = privateConfig({
    name: "serve",
    target,
    folder,
    threads: options.threads ?? "auto",
    kind: options.kind,
    watch: options.watch,
    liveReload: options.liveReload,
    editor: editorTemplate(process.env),
    serveStatic: plan.kind === "builtin" || plan.layout === "prefix",
    socketGroup: plan.kind === "apache" ? plan.account?.group : undefined,
    logLevel: "info",
    accessFormat: resolveLogFormat("auto", process.stderr.isTTY === true) === "json" ? "json" : REQUEST_LINE,
  });
  for (const warning of warnings) log.warn(warning);
  if (plan.kind === "apache") {
    for (const warning of unguardedFiles([pool], { layout: plan.layout })) log.warn(warning);
  }
  if (!isLoopback(options.host)) {
    log.warn(`${options.host} can be reached from other machines, and error pages show the app's source`);
  }
  if (plan.kind === "builtin" && plan.reason !== undefined) log.warn(`using the built-in front: ${plan.reason}`);
  return new Site({
    supervisor: await startSupervisor(config, { log }),
    log,
    startFront: () => startFront({ ...options, plan, pool, folder, log }),
    serving: (front) => printBanner(front, target, pool),
  });
}

interface Parts {
  readonly supervisor: RunningSupervisor;
  readonly log: Log;
  readonly startFront: () => Promise<Front>;
  /** Called once, when the front stands. */
  readonly serving: (front: Front) => void;
}

/** A pool and the front before it. */
class Site {
  readonly #parts: Parts;
  #front: Front | undefined;
  #stopping = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Until a signal, or until the front or the pool has ended by itself: then everything is ended and it throws. */
  async run(): Promise<void> {
    const { supervisor, startFront, serving } = this.#parts;
    try {
      await supervisor.ready;
      const front = await startFront();
      this.#front = front;
      if (this.#stopping) await front.stop();
      else serving(front);
      const fault = await Promise.race([supervisor.done, front.ended]);
      if (fault instanceof Fault) throw fault;
    } catch (error) {
      // Stopped before it was ready: that is no failure.
      if (!this.#stopping) throw error;
    } finally {
      await this.stop("end of serve");
    }
  }

  async stop(reason: string): Promise<void> {
    const { supervisor, log } = this.#parts;
    if (!this.#stopping) log.info("closing the front", { reason });
    this.#stopping = true;
    // It would wait for the pages that wait for a change.
    supervisor.releasePages();
    // The front first: nothing new arrives while the pool finishes.
    await this.#front?.stop();
    await supervisor.stop(reason).catch(() => {}); // `done` rejects with the same.
  }

  /** The app's code anew; a folder or an app has no configuration to read again. */
  reload(): Promise<unknown> {
    return this.#parts.supervisor.reload("all");
  }

  stopNow(reason: string): void {
    void this.#front?.stop(0);
    this.#parts.supervisor.stopNow(reason).catch(() => {}); // `done` rejects with the same.
  }
}

function printBanner(front: Front, { kind, path }: Target, pool: PoolConfig): void {
  const rows: [string, string][] = [
    ["URL", front.url],
    [kind, path],
    ["front", front.description],
    ["socket", pool.listen.kind === "unix" ? pool.listen.path : ""],
    [
      "workers",
      `${describeThreads(pool.threads)} thread${pool.threads.max === 1 ? "" : "s"} × ${pool.concurrency} open requests`,
    ],
    ["watch", describeWatch(pool)],
    ["Node.js", process.versions.node],
    ...front.logs.map((log, index): [string, string] => [index === 0 ? "logs" : "", log]),
  ];
  print("", `Holdfast ${VERSION}`, "", ...table(rows).map((line) => `  ${line}`), "", "Ctrl-C ends it.", "");
}

function describeWatch({ watch, liveReload }: PoolConfig): string {
  if (!watch) return "off";
  return `on: a changed file is in effect as soon as it has loaded${liveReload ? ", and pages reload themselves" : ""}`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function portNumber(written: string): number {
  return wholeNumber(written, 0, 65_535);
}

function threadNumber(written: string): number {
  return wholeNumber(written, 1, 256);
}

function wholeNumber(written: string, min: number, max: number): number {
  const value = Number(written);
  if (/^\d{1,5}$/.test(written) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
}

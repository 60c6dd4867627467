// `holdfast serve`: one command from a folder to a running site. A private pool, a front before it,
// and nothing left of either afterwards.

import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import { Fault } from "../../base/fault.ts";
import { VERSION } from "../../base/version.ts";
import type { PoolConfig } from "../../config/schema.ts";
import { FRONTS, type Front, type FrontChoice, planFront, startFront } from "../../front/front.ts";
import { openPrivateFolder } from "../../front/private-folder.ts";
import { handleSignals, type RunningSupervisor, startSupervisor } from "../../supervisor/main.ts";
import { createLog, type Log, resolveLogFormat } from "../../telemetry/log.ts";
import { print, table } from "../print.ts";
import { privateConfig } from "../private-pool.ts";
import { findTarget, type Target } from "../target.ts";

interface Options {
  readonly port: number;
  readonly host: string;
  readonly front: FrontChoice;
  readonly threads?: number;
  readonly watch: boolean;
}

export function serveCommand(): Command {
  return new Command("serve")
    .description("run a folder of handlers or one app, behind an Apache of its own if there is one")
    .argument("[path]", "a folder of handlers and pages, or one app module", ".")
    .option("--port <number>", "port of the site; 0 takes any free one", portNumber, 8000)
    .option("--host <address>", "address of the site", "127.0.0.1")
    .addOption(new Option("--front <front>", "what stands before the pool").choices(FRONTS).default("auto"))
    .option("--threads <number>", `worker threads (default: ${availableParallelism()})`, threadNumber)
    .option("--no-watch", "leave the workers alone when files change")
    .action(async (path: string, options: Options) => {
      const folder = openPrivateFolder();
      try {
        await serve(findTarget(path), options, folder.path);
      } finally {
        folder.remove();
      }
    });
}

async function serve(target: Target, options: Options, folder: string): Promise<void> {
  const log = createLog(resolveLogFormat("auto", process.stderr.isTTY === true));
  const plan = await planFront(options.front, {
    root: target.kind === "root" ? target.path : undefined,
    ownerUid: target.ownerUid,
  });
  const { config, pool, warnings } = privateConfig({
    name: "serve",
    target,
    folder,
    threads: options.threads ?? "auto",
    watch: options.watch,
    serveStatic: plan.kind === "builtin" || plan.layout === "prefix",
    socketGroup: plan.kind === "apache" ? plan.account?.group : undefined,
    logLevel: "info",
  });
  for (const warning of warnings) log.warn(warning);
  if (!isLoopback(options.host)) {
    log.warn(`${options.host} can be reached from other machines, and error pages show the app's source`);
  }
  if (plan.kind === "builtin" && plan.reason !== undefined) log.warn(`using the built-in front: ${plan.reason}`);
  const supervisor = await startSupervisor(config, { log });
  await run({ supervisor, log, start: () => startFront({ ...options, plan, pool, folder, log }) }, (front) =>
    printBanner(front, target, pool),
  );
}

interface Parts {
  readonly supervisor: RunningSupervisor;
  readonly log: Log;
  readonly start: () => Promise<Front>;
}

/** Until a signal, or until the front or the pool has ended by itself: then everything is ended and it throws. */
async function run({ supervisor, log, start }: Parts, serving: (front: Front) => void): Promise<void> {
  let front: Front | undefined;
  let stopping = false;
  const stop = async (reason: string): Promise<void> => {
    if (!stopping) log.info("closing the front", { reason });
    stopping = true;
    // The front first: nothing new arrives while the pool finishes.
    await front?.stop();
    await supervisor.stop(reason).catch(() => {}); // `done` rejects with the same.
  };
  const release = handleSignals(
    {
      stop: (reason) => void stop(reason),
      stopNow: (reason) => {
        void front?.stop(0);
        supervisor.stopNow(reason).catch(() => {}); // `done` rejects with the same.
      },
    },
    log,
  );
  try {
    await supervisor.ready;
    front = await start();
    if (stopping) await front.stop();
    else serving(front);
    const fault = await Promise.race([supervisor.done, front.ended]);
    if (fault instanceof Fault) throw fault;
  } catch (error) {
    // Stopped before it was ready: that is no failure.
    if (!stopping) throw error;
  } finally {
    await stop("end of serve");
    release();
  }
}

function printBanner(front: Front, { kind, path }: Target, pool: PoolConfig): void {
  const rows: [string, string][] = [
    ["URL", front.url],
    [kind, path],
    ["front", front.description],
    ["socket", pool.listen.kind === "unix" ? pool.listen.path : ""],
    ["workers", `${pool.threads} thread${pool.threads === 1 ? "" : "s"} × ${pool.concurrency} open requests`],
    ["watch", pool.watch ? "on: a changed file is in effect with the next request" : "off"],
    ["Node.js", process.versions.node],
    ...front.logs.map((log, index): [string, string] => [index === 0 ? "logs" : "", log]),
  ];
  print("", `Holdfast ${VERSION}`, "", ...table(rows).map((line) => `  ${line}`), "", "Ctrl-C ends it.", "");
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

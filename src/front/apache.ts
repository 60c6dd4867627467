// Runs an Apache of our own in the foreground, as our child, with everything that it reads and writes
// in one folder. Knows nothing of pools: what the server is for comes in as directives.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "../base/fault.ts";
import type { Lines } from "../deploy/directives.ts";
import { renderMimeTypes } from "../deploy/mime-types.ts";
import { PRIVATE_FILES, renderPrivateApache } from "../deploy/private-apache.ts";
import type { ApacheProgram } from "./find-apache.ts";
import { freePorts } from "./free-ports.ts";

export interface ApacheLaunch {
  readonly program: ApacheProgram;
  /** Exists, is ours, and may be entered by Apache's account. */
  readonly folder: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly account: { readonly user: string; readonly group: string } | undefined;
  readonly modules?: readonly string[];
  readonly site: readonly Lines[];
}

export interface RunningApache {
  readonly pid: number;
  readonly port: number;
  readonly errorLog: string;
  readonly accessLog: string;
  /** Resolves when the process is gone: with a Fault LISTEN when `stop` had not been called. */
  readonly ended: Promise<Fault | undefined>;
  /** TERM, and KILL to all of its processes after `withinMs`. Resolves when it is gone. */
  stop(withinMs?: number): Promise<void>;
}

const START_DEADLINE_MS = 15_000;
const STOP_DEADLINE_MS = 5000;
const POLL_MS = 20;
const WORDS_LIMIT = 8192;
const FREE_PORT_ATTEMPTS = 5;

/** Resolves once Apache accepts connections. Throws Fault LISTEN with Apache's own words. */
export async function startApache(launch: ApacheLaunch): Promise<RunningApache> {
  if (launch.port !== 0) return startOn(launch, launch.port);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const [port = 0] = await freePorts(launch.host, 1);
      return await startOn(launch, port);
    } catch (error) {
      // Another program may have taken the port since.
      if (attempt === FREE_PORT_ATTEMPTS || !String(error).includes("in use")) throw error;
    }
  }
}

async function startOn(launch: ApacheLaunch, port: number): Promise<RunningApache> {
  const { folder, program } = launch;
  const file = (name: string): string => join(folder, name);
  writeFileSync(file(PRIVATE_FILES.mimeTypes), renderMimeTypes());
  writeFileSync(file(PRIVATE_FILES.config), renderPrivateApache({ ...launch, ...program, port }));
  const child = spawn(...commandLine(program, file(PRIVATE_FILES.config)), {
    cwd: folder,
    // A group of its own: the terminal's Ctrl-C is ours to handle, in order.
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
    // What Apache has in PATH it sends to every pool; nothing else of our environment is its business.
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C" },
  });
  const words = collectWords(child);
  const gone = goneOf(child);
  const errorLog = file(PRIVATE_FILES.errorLog);
  await untilAccepting(child, file(PRIVATE_FILES.pid), gone, () => startFault(launch, port, words(), errorLog));
  return supervise(child, gone, { port, errorLog, accessLog: file(PRIVATE_FILES.accessLog) }, words);
}

/** With setpriv(1) the kernel ends Apache when we are killed without a chance to do it ourselves. */
function commandLine(program: ApacheProgram, config: string): [string, string[]] {
  const command = [program.path, "-f", config, "-DFOREGROUND"] as const;
  const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => existsSync(path));
  if (setpriv === undefined || process.platform !== "linux") return [command[0], command.slice(1)];
  return [setpriv, ["--pdeathsig", "TERM", "--", ...command]];
}

/** Resolves with how the process ended, also when it could not be started. */
function goneOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
  });
}

function collectWords(child: ChildProcess): () => string {
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
    text = (text + piece).slice(-WORDS_LIMIT);
  });
  return () => text;
}

/** Apache writes its pid file after it has bound the port and before it serves. */
async function untilAccepting(
  child: ChildProcess,
  pidFile: string,
  gone: Promise<string>,
  fault: () => Fault,
): Promise<void> {
  let ended = false;
  void gone.then(() => {
    ended = true;
  });
  const deadline = performance.now() + START_DEADLINE_MS;
  while (!isPidFileOf(child, pidFile)) {
    if (ended) {
      if (child.stderr !== null && !child.stderr.readableEnded) await once(child.stderr, "close");
      throw fault();
    }
    if (performance.now() > deadline) {
      killGroup(child);
      throw new Fault("LISTEN", `Apache was not ready within ${START_DEADLINE_MS / 1000} s`);
    }
    await delay(POLL_MS);
  }
}

function isPidFileOf(child: ChildProcess, pidFile: string): boolean {
  return existsSync(pidFile) && readFileSync(pidFile, "utf8").trim() === String(child.pid);
}

function startFault(launch: ApacheLaunch, port: number, words: string, errorLog: string): Fault {
  const said = words.trim() === "" ? tailOf(errorLog) : words.trim();
  const at = `${launch.host}:${port}`;
  if (said.includes("Address already in use")) {
    return new Fault("LISTEN", `${at} is in use by another program`, { hint: "choose another port with --port" });
  }
  if (/Permission denied.*make_sock/.test(said)) {
    return new Fault("LISTEN", `${at} may not be used by this user`, { hint: "choose a port from 1024 with --port" });
  }
  if (said.includes("Cannot assign requested address")) {
    return new Fault("LISTEN", `${launch.host} is no address of this machine`, { hint: "choose another with --host" });
  }
  return new Fault("LISTEN", `Apache did not start: ${said || "it said nothing"}`, {
    hint: "`--front builtin` serves without Apache",
  });
}

function supervise(
  child: ChildProcess,
  gone: Promise<string>,
  places: Pick<RunningApache, "port" | "errorLog" | "accessLog">,
  words: () => string,
): RunningApache {
  let stopping = false;
  const ended = gone.then((how) => {
    if (stopping) return undefined;
    const said = tailOf(places.errorLog) || words().trim();
    return new Fault("LISTEN", `Apache ended by itself (${how}); its last words:\n${said}`);
  });
  return {
    ...places,
    pid: child.pid ?? 0,
    ended,
    async stop(withinMs = STOP_DEADLINE_MS) {
      stopping = true;
      child.kill("SIGTERM");
      const timer = setTimeout(() => killGroup(child), withinMs);
      await gone;
      clearTimeout(timer);
    },
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The last lines of a log, for a message; "" when there is none. */
export function tailOf(path: string, lines = 10): string {
  if (!existsSync(path)) return "";
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(WORDS_LIMIT);
    const from = Math.max(0, fstatSync(file).size - bytes.length);
    const length = readSync(file, bytes, 0, bytes.length, from);
    return bytes.toString("utf8", 0, length).trimEnd().split("\n").slice(-lines).join("\n");
  } finally {
    closeSync(file);
  }
}

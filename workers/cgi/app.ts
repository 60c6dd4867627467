// kind = "cgi": programs that read their environment and standard input, and print headers and a body
// [RFC 3875]. A Node script runs in this worker, compiled once, with globals of its own in each run; any
// other program is a child process.

import { closeSync, openSync, readSync } from "node:fs";
import { basename, extname } from "node:path";
import { types } from "node:util";
import type { Context, InitContext } from "../../src/app/context.ts";
import { Fault, isError } from "../../src/base/fault.ts";
import type { Loader } from "../../src/loader/hooks.ts";
import type { CgiLimits } from "../../src/messages/lane.ts";
import { noteProgram } from "../../src/messages/programs.ts";
import type { App } from "../kinds/app.ts";
import { currentExchange } from "../output.ts";
import { traceOf } from "../trace.ts";
import { uncaughtHandlers } from "../uncaught.ts";
import { currentCall } from "./current-call.ts";
import { cgiEnvironment } from "./environment.ts";
import { ExecutableRun } from "./executable.ts";
import { CgiInput } from "./input.ts";
import { Limit, whenAborted } from "./limit.ts";
import { Modules } from "./modules.ts";
import { CgiOutput } from "./output.ts";
import { followCalls } from "./pending.ts";
import { makeRealm } from "./realm.ts";
import { ScriptExit, ScriptRun } from "./script-run.ts";
import { Sources } from "./sources.ts";

export interface CgiTools {
  readonly loader: Loader;
  readonly mount: string;
  readonly limits: CgiLimits;
  readonly lineBytes: number;
  /** Where child processes are noted, for a pool that this worker is a thread of. */
  readonly programs: SharedArrayBuffer | undefined;
}

const SCRIPT = /^\.(?:[cm]?[jt]s|[jt]sx)$/;
/** `#!/usr/bin/env node`, `#!/usr/bin/node --flag`. */
const NODE_LINE = /^#!\S*(?:\/env(?: -S)? +|\/)(?:node|nodejs)(?:\s|$)/;

let sources: Sources | undefined;
let children: Limit | undefined;

/** Rejects with what keeps a script from being compiled. */
export async function cgiApp({ file }: InitContext, tools: CgiTools): Promise<App> {
  const isScript = isNodeScript(file);
  if (isScript) {
    sources ??= new Sources(tools.loader);
    sources.get(file);
    followCalls();
    ownProcess();
  } else {
    children ??= new Limit(tools.limits.children);
  }
  const respond = isScript ? respondByScript : respondByProgram;
  return {
    file,
    state: undefined,
    respond: (role, request, ctx) => {
      if (role !== "responder") throw new Fault("HANDLER", `${file} is a CGI program: it has no role of ${role}`);
      return respond(file, request, ctx, tools);
    },
    dispose: async () => {},
  };
}

async function respondByScript(file: string, request: Request, ctx: Context, tools: CgiTools): Promise<Response> {
  const input = await CgiInput.of(request.body);
  const output = new CgiOutput({
    name: basename(file),
    limitBytes: tools.limits.outputBytes,
    unwanted: () => run.stop(0),
  });
  const over = Promise.withResolvers<void>();
  const run = new ScriptRun({
    file,
    env: environmentOf(file, ctx, tools),
    input,
    output,
    ended: (code) => {
      if (code !== 0) ctx.log.warn(`${basename(file)} ended with exit code ${code}`);
      over.resolve();
    },
  });
  const failed = (thrown: unknown): boolean => {
    if (thrown instanceof ScriptExit || run.isOver) return true;
    const error = ourError(thrown);
    if (output.hasHead) ctx.log.error(`${basename(file)} failed after its header block`, { stack: traceOf(error) });
    output.fail(error);
    run.stop(1);
    return true;
  };
  const exchange = currentExchange.getStore();
  if (exchange !== undefined) uncaughtHandlers.set(exchange, failed);
  whenAborted(ctx.signal, () => output.fail(ctx.signal.reason));
  // Its end is awaited by whoever ends this worker, though not by the reply.
  ctx.waitUntil(over.promise);
  const modules = new Modules(sources as Sources, makeRealm(run), run);
  void run.run(() => modules.main(file)).catch(failed);
  return output.response;
}

async function respondByProgram(file: string, request: Request, ctx: Context, tools: CgiTools): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<Response>();
  // Before it has a place: who sends slowly holds none.
  const input = await CgiInput.of(request.body);
  const ran = (children as Limit).run(ctx.signal, async () => {
    let run: ExecutableRun | undefined;
    const output = new CgiOutput({
      name: basename(file),
      limitBytes: tools.limits.outputBytes,
      unwanted: () => run?.kill(),
    });
    run = new ExecutableRun({
      file,
      env: environmentOf(file, ctx, tools),
      input,
      output,
      deadline: ctx.deadline,
      lineBytes: tools.lineBytes,
      started: (pid) => (tools.programs === undefined ? () => {} : noteProgram(tools.programs, pid)),
      said: (line) => ctx.log.warn(line, { script: basename(file) }),
    });
    whenAborted(ctx.signal, () => output.fail(ctx.signal.reason));
    resolve(output.response);
    await run.ended;
  });
  ctx.waitUntil(ran.catch(() => {})); // whoever waits for the response is told
  return Promise.race([promise, ran.then(() => promise)]);
}

/** An error of the script's own globals is none of ours: it would be shown without its stack, or with other lines. */
function ourError(thrown: unknown): unknown {
  if (!types.isNativeError(thrown) || thrown instanceof Fault) return thrown;
  const { name, message, stack, cause } = thrown;
  const error = new Error(message, cause === undefined ? {} : { cause: ourError(cause) });
  error.name = name;
  if (stack !== undefined) error.stack = sources?.authorsStack(stack) ?? stack;
  return error;
}

function environmentOf(file: string, ctx: Context, { mount }: CgiTools): NodeJS.ProcessEnv {
  const exchange = currentExchange.getStore();
  if (exchange === undefined) throw new Fault("HANDLER", "a CGI program is run for a request only");
  return cgiEnvironment({ own: poolEnvironment, request: ctx.env, params: exchange.params, file, mount });
}

/** By its extension, or by its first line. */
function isNodeScript(file: string): boolean {
  const extension = extname(file);
  if (SCRIPT.test(extension)) return true;
  if (extension !== "" && extension !== ".cgi") return false;
  return NODE_LINE.test(firstLine(file));
}

function firstLine(file: string): string {
  const fd = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(256);
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    return bytes.toString("latin1", 0, length).split("\n")[0] ?? "";
  } catch (cause) {
    throw new Fault("BOOT", `${file} cannot be read: ${isError(cause) ? cause.message : String(cause)}`, { cause });
  } finally {
    closeSync(fd);
  }
}

/** The worker's own, without a request's. */
const poolEnvironment: NodeJS.ProcessEnv = { ...process.env };
let owned = false;

/** Packages that scripts share find the process of the run that calls them. */
function ownProcess(): void {
  if (owned) return;
  owned = true;
  for (const name of ["env", "argv", "stdin", "exit"] as const) {
    const descriptor = Object.getOwnPropertyDescriptor(process, name);
    if (descriptor?.configurable !== true) continue;
    const outer = (): unknown =>
      descriptor.get === undefined ? descriptor.value : Reflect.apply(descriptor.get, process, []);
    Object.defineProperty(process, name, {
      configurable: true,
      enumerable: descriptor.enumerable === true,
      get: () => {
        const run = currentCall.getStore();
        return run === undefined ? outer() : run.process[name];
      },
      set: (value: unknown) => {
        Object.defineProperty(process, name, { ...descriptor, value });
      },
    });
  }
}

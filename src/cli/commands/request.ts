// `holdfast request`: calls a handler with no server. A pool is started, asked once over FastCGI, as
// Apache would ask it, and ended.

import { createReadStream, existsSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Command, InvalidArgumentError } from "commander";
import { Fault } from "../../base/fault.ts";
import { reasonPhrase } from "../../cgi/status.ts";
import { findConfig, loadConfig } from "../../config/load.ts";
import type { Config, PoolConfig } from "../../config/schema.ts";
import { fixedThreads } from "../../config/thread-count.ts";
import { backendTimeoutSeconds } from "../../deploy/apache-backend.ts";
import { metaVariables } from "../../front/meta-variables.ts";
import { PoolClient } from "../../front/pool-client.ts";
import type { PoolReply, PoolRequest } from "../../front/pool-connection.ts";
import { openPrivateFolder } from "../../front/private-folder.ts";
import { handleSignals, type RunningSupervisor, type Signalled, startSupervisor } from "../../supervisor/main.ts";
import { terminalLog } from "../../telemetry/log.ts";
import { printError } from "../print.ts";
import { privateConfig } from "../private-pool.ts";
import { findTarget } from "../target.ts";

interface Options {
  readonly request?: string;
  readonly header: readonly string[];
  readonly data?: string;
  readonly include: boolean;
  readonly root?: string;
  readonly app?: string;
  readonly config?: string;
  readonly pool?: string;
}

/** As `curl --fail` ends for a status of 400 and above. */
const EXIT_HTTP_ERROR = 22;

export function requestCommand(): Command {
  return new Command("request")
    .description("call a handler with no server and print its reply; exit code 22 for a status of 400 and above")
    .argument("<path>", "path and query of the URL, such as /hello.ts?name=x")
    .option("-X, --request <method>", "method (default: GET, with --data POST)")
    .option("-H, --header <line>", "a request header, 'name: value'; may be given several times", addHeader, [])
    .option("-d, --data <data>", "request body; @FILE takes it from a file, @- from standard input")
    .option("-i, --include", "print the head of the reply too", false)
    .option("--root <folder>", "folder of handlers (default: .)")
    .option("--app <file>", "app module")
    .option("-c, --config <file>", "take the pool from this configuration…")
    .option("--pool <name>", "…by this name, if it has several")
    .action(async (path: string, options: Options) => {
      const folder = openPrivateFolder();
      try {
        process.exitCode = await request(path, options, folder.path);
      } finally {
        folder.remove();
      }
    });
}

async function request(path: string, options: Options, folder: string): Promise<number> {
  const { config, pool } = choosePool(options, folder);
  const log = terminalLog("warn");
  const gone = new AbortController();
  const starting = startSupervisor(config, { log });
  // Before the process is there, because a signal without a handler would leave it behind.
  const release = handleSignals(stoppable(starting, gone), log);
  const timeoutMs = backendTimeoutSeconds(pool) * 1000;
  const client = new PoolClient({ address: pool.listen, timeoutMs, onStderr: (text) => printError(text) });
  try {
    const supervisor = await starting;
    try {
      await supervisor.ready;
      const reply = await client.exchange(exchangeOf(path, options, pool), gone.signal);
      await printReply(reply, options.include);
      return reply.status < 400 ? 0 : EXIT_HTTP_ERROR;
    } finally {
      client.close();
      await supervisor.stop("end of request").catch(() => {}); // `ready` has rejected with the same.
    }
  } finally {
    release();
  }
}

/** What a signal acts upon; it cuts the exchange off first. */
function stoppable(starting: Promise<RunningSupervisor>, gone: AbortController): Promise<Signalled> {
  const target = starting.then((supervisor) => ({
    stop: (reason: string) => {
      gone.abort(new Fault("BOOT", `ended by ${reason}`));
      supervisor.stop(reason).catch(() => {}); // `done` rejects with the same.
    },
    stopNow: (reason: string) => {
      supervisor.stopNow(reason).catch(() => {}); // `done` rejects with the same.
    },
  }));
  target.catch(() => {}); // `starting` rejects with the same.
  return target;
}

function choosePool(options: Options, folder: string): { config: Config; pool: PoolConfig } {
  if ([options.root, options.app, options.config].filter((option) => option !== undefined).length > 1) {
    throw new Fault("USAGE", "--root, --app and --config exclude one another", { hint: "name one of them" });
  }
  if (options.config !== undefined || options.pool !== undefined) return configuredPool(options, folder);
  return privateConfig({
    name: "request",
    target: findTarget(options.app ?? options.root ?? "."),
    folder,
    threads: 1,
    watch: false,
    serveStatic: true,
    socketGroup: undefined,
    logLevel: "warn",
  });
}

/** A pool of the configuration at a private socket, so that a running one is not disturbed. */
function configuredPool(options: Options, folder: string): { config: Config; pool: PoolConfig } {
  const { config } = loadConfig(findConfig(options.config));
  const names = config.pools.map(({ name }) => name).join(", ");
  const found = config.pools.filter(({ name }) => name === (options.pool ?? name));
  const [first] = found;
  if (first === undefined || found.length > 1) {
    const message = first === undefined ? `there is no pool ${JSON.stringify(options.pool)}` : "which pool?";
    throw new Fault("USAGE", message, { hint: `name one with --pool: ${names}` });
  }
  const { listenOwner: _, listenGroup: __, ...rest } = first;
  const pool: PoolConfig = {
    ...rest,
    listen: { kind: "unix", path: `${folder}/pool.sock` },
    listenMode: 0o600,
    processes: 1,
    threads: fixedThreads(1),
    watch: false,
  };
  return { config: { supervisor: { ...config.supervisor, control: `${folder}/control.sock` }, pools: [pool] }, pool };
}

function exchangeOf(path: string, options: Options, pool: PoolConfig): PoolRequest {
  const { data, header } = options;
  const fromFile = data?.startsWith("@");
  const body = data === undefined || fromFile ? undefined : Buffer.from(data);
  const defaults = [
    ...(hasHeader(header, "host") ? [] : ["Host: localhost"]),
    ...(hasHeader(header, "accept") ? [] : ["Accept: */*"]),
    ...(data === undefined || hasHeader(header, "content-type")
      ? []
      : ["Content-Type: application/x-www-form-urlencoded"]),
    ...(body === undefined || hasHeader(header, "content-length") ? [] : [`Content-Length: ${body.length}`]),
  ];
  const lines = [...defaults, ...header].flatMap((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), Buffer.from(line.slice(colon + 1).trim()).toString("latin1")];
  });
  return {
    params: metaVariables({
      method: options.request ?? (data === undefined ? "GET" : "POST"),
      target: Buffer.from(path.startsWith("/") ? path : `/${path}`).toString("latin1"),
      httpVersion: "1.1",
      rawHeaders: lines,
      local: { address: "127.0.0.1", port: 80 },
      remote: { address: "127.0.0.1", port: 0 },
      documentRoot: pool.root ?? "/",
    }),
    body: body === undefined ? (data === undefined ? undefined : openData(data.slice(1))) : pieces(body),
  };
}

function openData(file: string): AsyncIterable<Uint8Array> {
  if (file === "-") return process.stdin;
  if (!existsSync(file))
    throw new Fault("USAGE", `there is no file ${file}`, { hint: "--data @FILE takes the body from FILE" });
  return createReadStream(file);
}

async function* pieces(body: Uint8Array): AsyncIterable<Uint8Array> {
  yield body;
}

async function printReply({ status, headers, body }: PoolReply, include: boolean): Promise<void> {
  if (include) {
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    process.stdout.write(Buffer.from(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${lines}\r\n`, "latin1"));
  }
  await pipeline(body, process.stdout, { end: false });
}

function hasHeader(lines: readonly string[], name: string): boolean {
  return lines.some((line) => line.toLowerCase().startsWith(`${name}:`));
}

function addHeader(line: string, before: readonly string[]): readonly string[] {
  if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n]*$/.test(line)) return [...before, line];
  throw new InvalidArgumentError("Expected 'name: value'.");
}

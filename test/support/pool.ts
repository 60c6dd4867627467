// A whole pool inside the test's process: real socket, real threads, a scratch folder of handlers.

import { systemClock } from "../../src/base/clock.ts";
import type { WrittenConfig } from "../../src/config/load.ts";
import { Pool } from "../../src/pool/pool.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { type ClientReply, connectFastCgi, type FastCgiClient } from "./fastcgi-client.ts";
import { readPools } from "./pools.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";

export interface RunningPool {
  readonly pool: Pool;
  readonly dir: TempDir;
  readonly path: string;
  /** The log's lines, parsed. */
  readonly lines: Record<string, unknown>[];
  connect(timeoutMs?: number): Promise<FastCgiClient>;
  /** One request on a connection of its own. */
  get(uri: string, params?: Record<string, string>, timeoutMs?: number): Promise<ClientReply>;
  /** The body of a plain GET. */
  text(uri: string): Promise<string>;
  stop(): Promise<void>;
}

/** Call it in a `describe`: what starts pools, as `startPool` does, that are gone after each test. */
export function startedPools(): typeof startPool {
  const running: RunningPool[] = [];
  afterEach(async () => {
    for (const each of running.splice(0)) await each.stop();
  });
  return async (...args) => {
    const pool = await startPool(...args);
    running.push(pool);
    return pool;
  };
}

/** As the option's default. */
export const LOG_LIMIT_BYTES = 16 * 1024;

/** `files` are written into the pool's root; `options` are the pool's, as TOML names them. */
export async function startPool(
  files: Readonly<Record<string, string>>,
  options: WrittenConfig["pools"][string] = {},
  access?: (lines: string) => void,
): Promise<RunningPool> {
  const dir = makeTempDir();
  for (const [name, text] of Object.entries(files)) dir.write(`root/${name}`, text);
  const path = `${dir.path}/s`;
  const lines: Record<string, unknown>[] = [];
  const [config] = readPools(
    { test: { listen: path, root: "root", threads: 2, allow_root: true, ...options } },
    dir.path,
  );
  if (config === undefined) throw new Error("no pool");
  const pool = new Pool({
    config,
    generation: 1,
    clock: systemClock,
    log: createLog("json", "debug", (line) => lines.push(JSON.parse(line) as Record<string, unknown>)),
    logLimitBytes: LOG_LIMIT_BYTES,
    access,
    cacheDir: undefined,
    unendable: () => {},
    proven: () => {},
    forsaken: () => {},
    replace: () => {},
  });
  const clients: FastCgiClient[] = [];
  const connect = async (timeoutMs = 15_000): Promise<FastCgiClient> => {
    const client = await connectFastCgi({ path }, { timeoutMs });
    clients.push(client);
    return client;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.close()));
    await pool.close();
    dir.remove();
  };
  try {
    await pool.boot();
    await pool.listen({ path });
  } catch (error) {
    await stop();
    throw error;
  }
  const get: RunningPool["get"] = async (uri, params = {}, timeoutMs = 15_000) => {
    const client = await connect(timeoutMs);
    const reply = await client.request({ params: { ...paramsOf(uri), ...params }, keepConn: false });
    await client.closed;
    return reply;
  };
  const text = async (uri: string): Promise<string> => (await get(uri)).body.toString();
  return { pool, dir, path, lines, connect, get, text, stop };
}

/** The meta-variables of a plain GET. */
export function paramsOf(uri: string): Record<string, string> {
  const [path = "", query = ""] = uri.split("?");
  return {
    REQUEST_METHOD: "GET",
    REQUEST_URI: uri,
    SCRIPT_NAME: path,
    QUERY_STRING: query,
    SERVER_PROTOCOL: "HTTP/1.1",
    SERVER_NAME: "test",
    SERVER_PORT: "80",
    HTTP_HOST: "test",
    REMOTE_ADDR: "127.0.0.1",
  };
}

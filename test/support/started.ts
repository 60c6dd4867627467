// `holdfast start` with one app in a folder of its own, as an operator runs it, and what one asks of it.

import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../../src/cli/control-client.ts";
import { loadConfig } from "../../src/config/load.ts";
import { renderApache } from "../../src/deploy/apache.ts";
import type { Lines } from "../../src/deploy/directives.ts";
import type { PoolReport, ReloadReport, StatusReport } from "../../src/messages/control.ts";
import { startTestApache, type TestApache } from "./apache.ts";
import { type ClientReply, connectFastCgi, type FastCgiClient } from "./fastcgi-client.ts";
import { type Finished, type Launched, type LaunchOptions, launcher } from "./launch.ts";
import { paramsOf } from "./pool.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";

const RELOAD_TIMEOUT_MS = 60_000;

export interface StartedOptions {
  /** Lines of [pools.www]. */
  readonly pool?: string;
  /** Lines of [supervisor]. */
  readonly supervisor?: string;
  /** Default: ./app.mjs */
  readonly app?: string;
  /** More tables. */
  readonly more?: string;
}

/** Call it in a `describe`: makes folders and programs that are gone after each test. */
export function startedPrograms(): () => Started {
  const launch = launcher();
  const dirs: TempDir[] = [];
  afterEach(() => {
    for (const dir of dirs.splice(0)) rmSync(dir.path, { recursive: true, force: true });
  });
  return () => {
    const dir = makeTempDir();
    dirs.push(dir);
    return new Started(dir, launch);
  };
}

export class Started {
  readonly dir: TempDir;
  readonly #launch: ReturnType<typeof launcher>;
  #launched: Launched | undefined;

  constructor(dir: TempDir, launch: ReturnType<typeof launcher>) {
    this.dir = dir;
    this.#launch = launch;
  }

  get config(): string {
    return join(this.dir.path, "holdfast.toml");
  }

  get socket(): string {
    return join(this.dir.path, "www.sock");
  }

  /** Lets other users, such as Apache's, reach the socket. */
  enterable(): void {
    chmodSync(this.dir.path, 0o755);
  }

  /** Writes app.mjs. */
  app(text: string): void {
    this.dir.write("app.mjs", text);
  }

  configure({ pool = "", supervisor = "", app = "./app.mjs", more = "" }: StartedOptions = {}): void {
    this.dir.write(
      "holdfast.toml",
      `[supervisor]\ncontrol = "./control.sock"\nlog_format = "json"\n${supervisor}\n` +
        `[pools.www]\nlisten = "./www.sock"\nlisten_mode = "0666"\napp = "${app}"\nallow_root = true\n` +
        `${pool.includes("threads") ? "" : "threads = 1\n"}${pool}\n${more}\n`,
    );
  }

  /** Starts it; resolves when it serves. */
  async start(env: LaunchOptions["env"] = {}): Promise<Launched> {
    const launched = this.#launch(["start", "-c", this.config], { env });
    this.#launched = launched;
    await launched.line(/"msg":"serving"/);
    return launched;
  }

  /** A real Apache before its pools, with `more` directives at server level; whoever asks for it stops it. */
  async behindApache(...more: readonly Lines[]): Promise<TestApache> {
    // Its processes run as another user when the test runs as root.
    this.enterable();
    return startTestApache(this.dir.path, [
      ...more,
      renderApache(loadConfig(this.config).config.pools, { layout: "prefix" }),
    ]);
  }

  /** Another command against it. */
  run(...args: readonly string[]): Promise<Finished> {
    return this.#launch([...args, "-c", this.config]).finished;
  }

  async status(): Promise<StatusReport> {
    return (await ask(join(this.dir.path, "control.sock"), { command: "status" })).status;
  }

  async pool(name = "www"): Promise<PoolReport> {
    const pool = (await this.status()).pools.find((each) => each.name === name);
    if (pool === undefined) throw new Error(`there is no pool ${name}`);
    return pool;
  }

  /** As `holdfast reload` asks, without its process. */
  async reload(pool?: string): Promise<ReloadReport> {
    const request = { command: "reload" as const, ...(pool === undefined ? {} : { pool }) };
    try {
      return (await ask(join(this.dir.path, "control.sock"), request, RELOAD_TIMEOUT_MS)).report;
    } catch (cause) {
      throw new Error(`no reload: ${(cause as Error).message}\n${this.#launched?.output}`, { cause });
    }
  }

  /** Of the pool's processes that are not draining. */
  async pids(name = "www"): Promise<readonly number[]> {
    const { processes } = await this.pool(name);
    return processes.filter((process) => !("state" in process)).map(({ pid }) => pid);
  }

  connect(socket = this.socket): Promise<FastCgiClient> {
    return connectFastCgi({ path: socket }, { timeoutMs: 15_000 });
  }

  /** One request on a connection of its own. */
  async get(uri = "/", socket = this.socket): Promise<ClientReply> {
    const client = await this.connect(socket);
    try {
      return await client.request({ params: paramsOf(uri) });
    } finally {
      await client.close();
    }
  }
}

// A pool inside the test's process, and a real Apache before it: every URL goes to the pool.

import { chmodSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { WrittenConfig } from "../../src/config/load.ts";
import { renderApache } from "../../src/deploy/apache.ts";
import type { Lines } from "../../src/deploy/directives.ts";
import { PRIVATE_MODULES } from "../../src/deploy/private-apache.ts";
import { openFolder, removeFolders, startTestApache, type TestApache } from "./apache.ts";
import { type Answer, type Ask, ask } from "./http.ts";
import { type RunningPool, startPool } from "./pool.ts";
import { readPools } from "./pools.ts";

const PACKAGES = fileURLToPath(new URL("../../../node_modules", import.meta.url));

export interface BehindApache {
  readonly pool: RunningPool;
  readonly apache: TestApache;
  readonly url: string;
  ask(path: string, options?: Ask): Promise<Answer>;
  stop(): Promise<void>;
}

/**
 * `files` are written into the pool's root, and may import this project's packages; `options` are the pool's, as
 * TOML names them; `more` are directives at server level, `modules` what Apache loads for them.
 */
export async function startBehindApache(
  files: Readonly<Record<string, string>>,
  options: WrittenConfig["pools"][string] = {},
  more: readonly Lines[] = [],
  modules: readonly string[] = [],
): Promise<BehindApache> {
  const pool = await startPool(files, options);
  try {
    symlinkSync(PACKAGES, join(pool.dir.path, "node_modules"));
    // Apache's processes run as another user when the test runs as root.
    chmodSync(pool.dir.path, 0o755);
    chmodSync(pool.path, 0o666);
    const config = readPools({ test: { listen: pool.path, root: "root", ...options } }, pool.dir.path);
    const apache = await startTestApache(
      openFolder(),
      [renderApache(config, { layout: "prefix" }), ...more],
      [...PRIVATE_MODULES, ...modules],
    );
    return {
      pool,
      apache,
      url: apache.url,
      ask: (path, asked) => ask(apache.url, path, asked),
      async stop() {
        await apache.stop();
        await pool.stop();
        removeFolders();
      },
    };
  } catch (error) {
    await pool.stop();
    removeFolders();
    throw error;
  }
}

// A pool for one command: its configuration is made in memory, its sockets lie in a private folder,
// and it ends with the command.

import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Fault } from "../base/fault.ts";
import { resolveConfig, type WrittenConfig } from "../config/load.ts";
import type { Config, PoolConfig } from "../config/schema.ts";
import { canEnterFolder, canReadFile, readerOf } from "../front/accounts.ts";
import type { Target } from "./target.ts";

/** What takes longer is worth a look while it is written. */
const SLOW = "3s";

export interface PrivatePoolOptions {
  readonly name: string;
  readonly target: Target;
  /** Where its sockets are made. */
  readonly folder: string;
  readonly threads: number | "auto";
  /** Default: "auto". */
  readonly kind?: string;
  readonly watch: boolean;
  /** Default: false. */
  readonly liveReload?: boolean;
  /** Template of links from error pages to the author's editor; default: none. */
  readonly editor?: string | undefined;
  /** The pool serves the files of a root that are no handlers. */
  readonly serveStatic: boolean;
  /** Group that may connect besides ourselves. */
  readonly socketGroup: string | undefined;
  readonly logLevel: "info" | "warn";
  /** How a line for each request looks; default: there is none. */
  readonly accessFormat?: string;
}

export interface PrivateConfig {
  readonly config: Config;
  readonly pool: PoolConfig;
  /** Lines for the reader. */
  readonly warnings: readonly string[];
}

/** Throws Fault CONFIG for what no pool can be made of. */
export function privateConfig(options: PrivatePoolOptions): PrivateConfig {
  const { name, target, folder, socketGroup } = options;
  const written: WrittenConfig = {
    supervisor: { control: `${folder}/control.sock`, stop_timeout: "5s", log_level: options.logLevel },
    pools: {
      [name]: {
        listen: `${folder}/pool.sock`,
        ...(socketGroup === undefined ? { listen_mode: "0600" } : { listen_mode: "0660", listen_group: socketGroup }),
        [target.kind]: target.path,
        threads: options.threads,
        ...(options.kind === undefined ? {} : { kind: options.kind }),
        watch: options.watch,
        // An app has no files besides.
        ...(target.kind === "root" ? { static: options.serveStatic } : {}),
        show_errors: true,
        ...(options.accessFormat === undefined
          ? {}
          : { access_log: "stderr", access_format: options.accessFormat, request: { slow: SLOW } }),
        live_reload: options.liveReload ?? false,
        ...(options.editor === undefined ? {} : { editor: options.editor }),
        // For as long as the command runs.
        cookies: { secrets: [randomBytes(32).toString("base64")] },
        // Whoever runs this is the app's developer: what the shell knows (DATABASE_URL), the app knows.
        clear_env: false,
        // As a program that this shell starts.
        umask: `0${process.umask().toString(8).padStart(3, "0")}`,
        ...whereItWorks(target),
        ...whoRuns(target),
      },
    },
  };
  const { config, warnings } = resolveConfig(written, folder);
  const [pool] = config.pools;
  if (pool === undefined) throw new Error("a configuration with one pool has lost it");
  return { config, pool, warnings: [...warnings, ...rootWarning(target)] };
}

/** Started by root, the app runs as the owner of its files. Throws Fault BOOT if that user cannot run us. */
function whoRuns({ ownerUid, path }: Target): { user?: string; allow_root?: boolean } {
  if (process.getuid?.() !== 0) return {};
  if (ownerUid === 0) return { allow_root: true };
  const owner = readerOf(ownerUid);
  for (const needed of [process.execPath, fileURLToPath(import.meta.url)]) {
    if (canReadFile(owner, needed)) continue;
    throw new Fault("BOOT", `${path} runs as its owner (user id ${ownerUid}), who cannot read ${needed}`, {
      hint: "install Holdfast where every user can read it, or run it as that user",
    });
  }
  return { user: String(ownerUid) };
}

/** In the folder where the command was given, if the app's user may be there; else in that of the app. */
function whereItWorks({ ownerUid }: Target): { chdir?: string } {
  const here = process.cwd();
  return process.getuid?.() !== 0 || ownerUid === 0 || canEnterFolder(readerOf(ownerUid), here) ? { chdir: here } : {};
}

function rootWarning({ path, ownerUid }: Target): readonly string[] {
  if (process.getuid?.() !== 0 || ownerUid !== 0) return [];
  return [`${path} belongs to root, so its code runs as root; give it to another user to avoid that`];
}

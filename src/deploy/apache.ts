// Config → what an administrator includes in Apache's configuration. Pure text; nothing here looks
// at a disk or knows the Apache that will read it.

import { Fault } from "../base/fault.ts";
import type { PoolConfig } from "../config/schema.ts";
import { backendDeclaration } from "./apache-backend.ts";
import { denySources } from "./apache-denial.ts";
import { type ApacheLayout, defaultLayout, layoutDirectives } from "./apache-layouts.ts";
import { comment, render, section } from "./directives.ts";

export { type ApacheLayout, LAYOUTS } from "./apache-layouts.ts";

export interface ApacheOptions {
  /** Default: `files` for pools with a root, `prefix` for pools with an app. */
  readonly layout?: ApacheLayout;
  /** Folder of static files for `front-controller`; default: the pool's root. */
  readonly documentRoot?: string;
}

/**
 * A file for one virtual host (or a server with one site): denials, workers, mounts.
 * Throws Fault CONFIG for two pools at one place or paths that Apache cannot read, Fault USAGE for a
 * layout that does not suit a pool.
 */
export function renderApache(pools: readonly PoolConfig[], options: ApacheOptions = {}): string {
  refuseSharedMounts(pools);
  // The first ProxyPass that matches wins, so the longer prefix goes first.
  const ordered = pools.toSorted((a, b) => b.mount.length - a.mount.length);
  return render(
    comment(
      "Apache 2.4.63 or newer, printed by `holdfast apache`. Include it in the <VirtualHost> that it is for.",
      "Needs: a2enmod proxy proxy_fcgi alias dir env; best with mpm_event.",
    ),
    "",
    denySources(),
    ...ordered.flatMap((pool) => ["", ...poolDirectives(pool, options)]),
  );
}

/** The folder whose files Apache sends without asking the pool. */
export function folderOfApache(pool: PoolConfig, options: ApacheOptions = {}): string | undefined {
  const layout = options.layout ?? defaultLayout(pool);
  if (layout === "prefix") return undefined;
  return layout === "files" ? pool.root : (options.documentRoot ?? pool.root);
}

function poolDirectives(pool: PoolConfig, options: ApacheOptions): string[] {
  const layout = options.layout ?? defaultLayout(pool);
  const place = pool.root ?? pool.app ?? "";
  return [
    ...comment(`---- pool ${pool.name}: ${place} at ${pool.mount === "" ? "/" : pool.mount}, layout ${layout} ----`),
    "",
    ...section("IfModule", "proxy_fcgi_module", backendDeclaration(pool)),
    "",
    ...layoutDirectives(pool, layout, options.documentRoot),
  ];
}

function refuseSharedMounts(pools: readonly PoolConfig[]): void {
  const seen = new Map<string, string>();
  for (const pool of pools) {
    const other = seen.get(pool.mount);
    if (other !== undefined) {
      throw new Fault("CONFIG", `pools ${other} and ${pool.name} are both mounted at ${pool.mount || "/"}`, {
        hint: `print one at a time (--pool ${pool.name}) for virtual hosts of their own, or give one a mount`,
      });
    }
    seen.set(pool.mount, pool.name);
  }
}

// What a reader needs to know to believe a figure or to repeat it.

import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { which } from "./which.ts";

export interface Environment {
  readonly date: string;
  readonly commit: string;
  readonly command: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  /** Before the run: how many processes wanted a core in the last minute. On a quiet machine, near 0. */
  readonly load: number;
  readonly apache: string;
  readonly php: string;
}

export function environment(repository: string, command: string): Environment {
  return {
    date: new Date().toISOString(),
    commit: commitOf(repository),
    command,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: `Linux ${release()}`,
    node: process.version,
    load: loadavg()[0] ?? Number.NaN,
    apache: version(which("apache2", "httpd"), /Apache\/(\S+)/),
    php: version(which("php-fpm", "php-fpm8.4", "php-fpm8.3", "php-fpm8.2"), /PHP (\S+)/),
  };
}

/** The commit that was measured; "+" when files under version control differ from it. */
function commitOf(repository: string): string {
  const git = (...args: string[]) => execFileSync("git", ["-C", repository, ...args], { encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain", "--", "src", "workers", "bench", ":!bench/results") !== "";
    return git("rev-parse", "--short=10", "HEAD") + (changed ? "+" : "");
  } catch {
    return "unversioned";
  }
}

function version(program: string | undefined, pattern: RegExp): string {
  if (program === undefined) return "missing";
  return pattern.exec(execFileSync(program, ["-v"], { encoding: "utf8" }))?.[1] ?? "unknown";
}

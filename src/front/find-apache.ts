// Looks for an Apache on this machine that can run as ours: the program, its version and the folder
// that holds mod_proxy_fcgi. Starts nothing but `-v` and `-V`.

import { execFile } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface ApacheProgram {
  readonly path: string;
  /** As the program says it: "2.4.71". */
  readonly version: string;
  readonly modulesFolder: string;
}

export type ApacheSearch =
  | { readonly kind: "found"; readonly program: ApacheProgram }
  /** `reason` is one line for people. */
  | { readonly kind: "missing"; readonly reason: string };

const NAMES = ["apache2", "httpd"];
/** Where administrators' programs lie; often not on a user's PATH. */
const EXTRA_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/apache2/bin"];
const MODULE_FOLDERS = [
  "/usr/lib/apache2/modules",
  "/usr/lib64/httpd/modules",
  "/usr/lib/httpd/modules",
  "/usr/lib/apache2",
  "/usr/local/apache2/modules",
  "/usr/libexec/apache2",
  "/opt/homebrew/lib/httpd/modules",
];
const ANSWER_DEADLINE_MS = 5000;
/** SetHandler with a unix socket hands over exact file names from here on. */
const OLDEST = [2, 4, 26] as const;

/** `env.PATH` first, then where Debian, Fedora, Alpine and macOS put it. */
export async function findApache(env: NodeJS.ProcessEnv = process.env): Promise<ApacheSearch> {
  const folders = [...(env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""), ...EXTRA_FOLDERS];
  const path = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
  if (path === undefined) return { kind: "missing", reason: "neither apache2 nor httpd is installed" };
  const version = /Apache\/(\d+\.\d+\.\d+)/.exec(await ask(path, "-v"))?.[1];
  if (version === undefined) return { kind: "missing", reason: `${path} does not answer as Apache` };
  if (isOlder(version))
    return { kind: "missing", reason: `${path} is Apache ${version}, older than ${OLDEST.join(".")}` };
  const home = /HTTPD_ROOT="([^"]+)"/.exec(await ask(path, "-V"))?.[1];
  const candidates = home === undefined ? MODULE_FOLDERS : [join(home, "modules"), ...MODULE_FOLDERS];
  const modulesFolder = candidates.find((folder) => existsSync(join(folder, "mod_proxy_fcgi.so")));
  if (modulesFolder === undefined) return { kind: "missing", reason: `${path} has no mod_proxy_fcgi` };
  return { kind: "found", program: { path, version, modulesFolder } };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What the program prints; "" when it fails, which the caller then reports. */
async function ask(path: string, option: string): Promise<string> {
  try {
    return (await run(path, [option], { timeout: ANSWER_DEADLINE_MS, maxBuffer: 64 * 1024 })).stdout;
  } catch {
    return "";
  }
}

function isOlder(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, least] of OLDEST.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}

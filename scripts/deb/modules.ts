// The packages of node_modules that Holdfast needs when it runs, as package-lock.json says: what
// `npm ci --omit=dev` would install on this machine, taken from what is installed already. No network.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface ModuleFolder {
  /** `commander`, `@pinojs/redact`. */
  readonly name: string;
  readonly version: string;
  /** Relative to the top: `node_modules/commander`. */
  readonly path: string;
}

interface Locked {
  readonly version: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

export interface Platform {
  readonly os: string;
  readonly cpu: string;
  readonly libc: "glibc" | "musl";
}

/**
 * Throws when a package is missing, or is there in another version than the lock's: such a folder is not
 * what the tests have run on.
 */
export function productionModules(top: string, platform: Platform): readonly ModuleFolder[] {
  const { packages } = JSON.parse(readFileSync(join(top, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  return Object.entries(packages)
    .filter(([path, locked]) => path !== "" && !locked.dev && !locked.devOptional && fits(locked, platform))
    .map(([path, { version }]) => {
      const installed = versionAt(join(top, path));
      if (installed !== version) {
        const found = installed === undefined ? "missing" : `${installed}, not ${version}`;
        throw new Error(`${path} is ${found}: run \`npm ci\` first`);
      }
      return { name: path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length), version, path };
    });
}

const allows = (list: readonly string[] | undefined, value: string): boolean =>
  list === undefined || list.includes(value);

const fits = ({ os, cpu, libc }: Locked, platform: Platform): boolean =>
  allows(os, platform.os) && allows(cpu, platform.cpu) && allows(libc, platform.libc);

function versionAt(folder: string): string | undefined {
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest)) return undefined;
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

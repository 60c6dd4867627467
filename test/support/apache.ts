// A real Apache for a test: private folder, free port, nothing left behind.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lines } from "../../src/deploy/directives.ts";
import { renderPrivateApache } from "../../src/deploy/private-apache.ts";
import { apacheAccount } from "../../src/front/accounts.ts";
import { type RunningApache, startApache, tailOf } from "../../src/front/apache.ts";
import { findApache } from "../../src/front/find-apache.ts";
import { freePorts as freePortsOf } from "../../src/front/free-ports.ts";
import { skip } from "./skip.ts";

const search = await findApache();

/** `describe`, or a skip that says why. */
export function describeWithApache(title: string, body: () => void): void {
  if (search.kind === "found") describe(title, body);
  else skip(title, search.reason, body);
}

export interface TestApache {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  errorLog(): string;
  stop(): Promise<void>;
}

const folders: string[] = [];

/** A folder that Apache's processes may enter; removed by `removeFolders`. */
export function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-test-"));
  chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
}

/** Starts Apache with these directives at server level. Its folder is made below `folder`. */
export async function startTestApache(
  folder: string,
  site: readonly Lines[],
  modules?: readonly string[],
): Promise<TestApache> {
  if (search.kind === "missing") throw new Error(search.reason);
  const own = join(folder, "apache");
  mkdirSync(own, { recursive: true });
  const apache: RunningApache = await startApache({
    program: search.program,
    folder: own,
    host: "127.0.0.1",
    port: 0,
    account: process.getuid?.() === 0 ? apacheAccount(0) : undefined,
    site,
    ...(modules === undefined ? {} : { modules }),
  });
  return {
    url: `http://127.0.0.1:${apache.port}`,
    port: apache.port,
    pid: apache.pid,
    errorLog: () => tailOf(apache.errorLog, 100),
    stop: () => apache.stop(),
  };
}

/** What `apache2 -t` says of these directives at server level: "Syntax OK", or the first mistake. */
export function checkSyntax(folder: string, site: readonly Lines[]): string {
  if (search.kind === "missing") throw new Error(search.reason);
  const config = join(folder, "check.conf");
  const { path, modulesFolder } = search.program;
  writeFileSync(join(folder, "mime.types"), "");
  const host = { host: "127.0.0.1", port: 80, account: undefined };
  writeFileSync(config, renderPrivateApache({ ...host, folder, modulesFolder, site }));
  return spawnSync(path, ["-t", "-f", config], { encoding: "utf8" }).stderr.trim();
}

/** Ports of 127.0.0.1 that were free a moment ago, all different. */
export function freePorts(count: number): Promise<readonly number[]> {
  return freePortsOf("127.0.0.1", count);
}

// One Holdfast with a pool for each app that is measured, all of them with two workers.

import { chmodSync, cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mounted } from "../apache.ts";
import { accepting, type Child, startChild } from "../child.ts";
import { DEFAULTS } from "../peer.ts";
import type { Run } from "../surroundings.ts";
import type { Store } from "./stores.ts";

const THREADS = 2;

interface Pool {
  readonly id: string;
  /** Lines of [pools.ID]. */
  readonly settings: readonly string[];
  readonly session?: Store;
}

export interface Pools {
  readonly pid: number;
  readonly mounts: readonly Mounted[];
}

export async function startPools(run: Run, stores: readonly Store[]): Promise<Pools> {
  const apps = join(run.repository, "bench/apps");
  const cgi = join(run.folder, "cgi");
  cpSync(join(apps, "model/cgi"), cgi, { recursive: true });
  const pools: readonly Pool[] = [
    { id: "bare", settings: [`app = "${apps}/hello.ts"`] },
    { id: "pages", settings: [`root = "${apps}/model/pages"`, 'mount = "/pages"'] },
    { id: "form", settings: [`app = "${apps}/model/form.ts"`] },
    { id: "express", settings: [`app = "${apps}/model/express.js"`] },
    { id: "hono", settings: [`app = "${apps}/model/hono.js"`] },
    { id: "cgi", settings: [`root = "${cgi}"`, 'mount = "/cgi"', 'kind = "cgi"'] },
    ...stores.map((session) => ({
      id: `session-${session.id}`,
      settings: [`app = "${apps}/model/session.js"`],
      session,
    })),
  ];
  const config = join(run.folder, "holdfast.toml");
  const socketOf = (id: string): string => join(run.folder, `${id}.sock`);
  writeFileSync(
    config,
    [
      `[supervisor]\ncontrol = "${join(run.folder, "control.sock")}"\nlog_format = "json"`,
      ...pools.map((pool) => tablesOf(pool, socketOf(pool.id))),
    ].join("\n"),
  );
  const child: Child = run.own(
    await startChild(
      {
        command: process.execPath,
        args: [join(run.repository, "bin/holdfast.js"), "start", "-c", config],
        logFile: join(run.folder, "holdfast.log"),
      },
      socketOf("bare"),
    ),
  );
  await Promise.all(pools.map(({ id }) => accepting(socketOf(id))));
  for (const { id } of pools) chmodSync(socketOf(id), 0o666);
  const mounts = pools.map(({ id }) => ({
    peer: { ...DEFAULTS, id, title: id, missing: () => undefined, start: async () => child },
    socket: socketOf(id),
  }));
  return { pid: child.pid, mounts };
}

function tablesOf({ id, settings, session }: Pool, socket: string): string {
  return [
    `[pools.${id}]`,
    `listen = "${socket}"`,
    'listen_mode = "0666"',
    `threads = ${THREADS}`,
    "allow_root = true",
    ...settings,
    ...(session === undefined ? [] : [`[pools.${id}.session]`, `store = "${session.id}"`, session.settings]),
  ].join("\n");
}

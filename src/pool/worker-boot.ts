// What a worker is told before it loads anything: the part of the pool's options that is of use there. Pure.

import type { PoolConfig } from "../config/schema.ts";
import type { LiveBoot, WorkerBoot } from "../messages/lane.ts";

export interface NewWorker {
  readonly worker: number;
  readonly generation: number;
  /** What its pages wait for; undefined: they do not. */
  readonly live: LiveBoot | undefined;
  readonly logLimitBytes: number;
  readonly cacheDir: string | undefined;
}

export function workerBoot(
  config: PoolConfig,
  { worker, generation, live, logLimitBytes, cacheDir }: NewWorker,
): WorkerBoot {
  return {
    worker,
    generation,
    pool: config.name,
    app: config.app,
    root: config.root,
    kind: config.kind,
    mount: config.mount,
    index: config.index,
    serveStatic: config.serveStatic,
    showErrors: config.showErrors,
    editor: config.editor,
    live,
    bodyLimitBytes: config.request.bodyLimitBytes,
    disposeTimeoutMs: config.disposeTimeoutMs,
    cookieSecrets: config.cookies.secrets.map(({ text }) => text),
    form: config.form,
    session: config.session,
    processes: config.processes,
    ...(config.kind === "cgi" ? { cgi: config.cgi } : {}),
    logLimitBytes,
    cacheDir,
  };
}

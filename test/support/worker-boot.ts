// What a worker is told when it boots, for tests that start one without a pool.

import type { WorkerBoot } from "../../src/messages/lane.ts";
import { FORM_LIMITS } from "./form-limits.ts";
import { sessionOptions } from "./session-options.ts";

export function workerBoot(options: Partial<WorkerBoot> = {}): WorkerBoot {
  return {
    worker: 1,
    generation: 1,
    pool: "www",
    app: undefined,
    root: undefined,
    kind: "auto",
    mount: "",
    index: ["index.ts", "index.html"],
    serveStatic: false,
    showErrors: false,
    bodyLimitBytes: 1000,
    disposeTimeoutMs: 5000,
    cookieSecrets: [],
    session: sessionOptions(),
    processes: 1,
    form: FORM_LIMITS,
    logLimitBytes: 1024,
    cacheDir: undefined,
    ...options,
  };
}

// Threads with the loader's hooks, each for one test.

import { Worker } from "node:worker_threads";
import type { LoaderAnswer, LoaderAsk } from "./loader-worker.ts";

export type { LoaderAnswer, LoaderAsk };

export type AskLoader = (ask: LoaderAsk) => Promise<LoaderAnswer>;

/** Call it in a file of tests: the threads that the returned function starts end after each test. */
export function loaderThreads(): (cacheDir?: string, root?: string) => AskLoader {
  const workers: Worker[] = [];
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
  });
  return (cacheDir, root) => {
    const worker = new Worker(new URL("./loader-worker.js", import.meta.url), { workerData: { cacheDir, root } });
    workers.push(worker);
    let fail = (_error: unknown): void => {};
    worker.on("error", (error) => fail(error));
    return (ask) =>
      new Promise((resolve, reject) => {
        fail = reject;
        worker.once("message", resolve);
        worker.postMessage(ask);
      });
  };
}

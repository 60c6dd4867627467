// A thread with the loader's hooks: imports what it is told, calls an export, tells what came out.
// Jest's own modules do not go through Node's hooks, so the loader is tested from outside.

import { parentPort, workerData } from "node:worker_threads";
import { Fault } from "../../src/base/fault.ts";
import { openCodeCache } from "../../src/loader/cache.ts";
import { installLoader } from "../../src/loader/hooks.ts";

export interface LoaderAsk {
  readonly file: string;
  /** An export to call without arguments; its result travels back. Default: "default". */
  readonly call?: string;
  /** Have these files read again first. */
  readonly forget?: readonly string[];
}

export type LoaderAnswer =
  | { readonly kind: "value"; readonly value: unknown; readonly loaded: readonly string[] }
  | {
      readonly kind: "error";
      readonly name: string;
      readonly message: string;
      readonly stack: string;
      readonly code: string | undefined;
    };

const loaded: string[] = [];
const complaints: string[] = [];
const { cacheDir, root } = workerData as { cacheDir?: string; root?: string };
const loader = installLoader({
  cache: openCodeCache(cacheDir, (reason) => complaints.push(reason)),
  root,
  loaded: (path) => loaded.push(path),
});

parentPort?.on("message", (ask: LoaderAsk) => {
  answer(ask).then((reply) => parentPort?.postMessage(reply));
});

async function answer({ file, call = "default", forget = [] }: LoaderAsk): Promise<LoaderAnswer> {
  try {
    loader.forget(forget);
    const exports = await loader.import(file);
    const found = exports[call];
    const value: unknown = typeof found === "function" ? await found() : found;
    return { kind: "value", value, loaded: loaded.splice(0) };
  } catch (error) {
    const { name, message, stack } = error as Error;
    return {
      kind: "error",
      name,
      message,
      stack: String(stack),
      code: error instanceof Fault ? error.code : undefined,
    };
  }
}

// A thread with a real host: boots what workerData says, handles what it is sent, tells how it was
// answered. For what needs Node's module hooks and the worker's own globals.

import { parentPort, workerData } from "node:worker_threads";
import { toFaultData } from "../../src/base/fault.ts";
import type { WorkerBoot } from "../../src/messages/lane.ts";
import { bootHost } from "../../workers/host.ts";
import { FakeExchange, type FakeExchangeOptions } from "./fake-exchange.ts";

export type HostWorkerMessage =
  | { readonly kind: "ready"; readonly loaded: readonly string[] }
  | { readonly kind: "failed"; readonly message: string; readonly stack: string }
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly head: string;
      readonly text: string;
      readonly stack: string;
    };

const tell = (message: HostWorkerMessage): void => parentPort?.postMessage(message);
const loaded: string[] = [];

bootHost(workerData as WorkerBoot, { loaded: (path) => loaded.push(path), log() {} }).then(
  (host) => {
    parentPort?.on("message", async (options: FakeExchangeOptions) => {
      const exchange = new FakeExchange(options);
      host.handle(exchange);
      await exchange.answered;
      const stack = String(exchange.lines[0]?.fields?.stack ?? "");
      tell({ kind: "answered", status: exchange.status ?? 0, head: exchange.head ?? "", text: exchange.text, stack });
    });
    tell({ kind: "ready", loaded });
  },
  (error: unknown) => {
    const { message, stack = "" } = toFaultData(error, "HANDLER");
    tell({ kind: "failed", message, stack });
  },
);

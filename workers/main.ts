// What piscina loads in each thread: one call that lasts as long as the worker. Boots the host,
// serves the lane, and resolves when drained.

import { threadId } from "node:worker_threads";
import { toFaultData } from "../src/base/fault.ts";
import { requestFields } from "../src/cgi/variables.ts";
import {
  ESCAPED_TOLD_MAX,
  type EscapedError,
  FROM_WORKER,
  type ReadyData,
  type WorkerBoot,
  type WorkerLife,
} from "../src/messages/lane.ts";
import type { Host, WorkerExchange } from "./exchange.ts";
import { WorkerLane } from "./lane.ts";
import { currentExchange, WorkerOutput } from "./output.ts";

/** What is called for each exchange. */
async function handling(host: Host, { live }: WorkerBoot): Promise<(exchange: WorkerExchange) => void> {
  if (live === undefined) return host.handle.bind(host);
  const { addLiveScript } = await import("./live-script.ts");
  return (exchange) => {
    addLiveScript(exchange, live);
    host.handle(exchange);
  };
}

export default async function live({ boot, output: memory, ...end }: WorkerLife): Promise<void> {
  const bornAt = performance.now();
  const output = new WorkerOutput(memory, boot.logLimitBytes);
  output.install();
  const lane = new WorkerLane(end, (line, about) => output.log(line, about));
  lane.writer.word(FROM_WORKER.BORN, 0, threadId);
  lane.flush();

  // An error that no handler caught leaves unknown damage: this worker finishes what it has while
  // another takes its place.
  let escaped = 0;
  const unsound = (error: unknown): void => {
    if (++escaped > ESCAPED_TOLD_MAX) return;
    const exchange = currentExchange.getStore();
    const about = exchange === undefined ? {} : { about: requestFields(exchange.params) };
    lane.json(FROM_WORKER.UNSOUND, { ...toFaultData(error, "HANDLER"), ...about } satisfies EscapedError);
  };
  process.on("uncaughtException", unsound);
  process.on("unhandledRejection", unsound);

  let drained = () => {};
  const life = new Promise<void>((resolve) => {
    drained = resolve;
  });
  try {
    // Not above: what fails while piscina loads this file never reaches the pool, and a part that is
    // missing from the installation must be told like any other failure to boot.
    const { bootHost } = await import("./host.ts");
    const host = await bootHost(boot, {
      loaded: (path) => {
        lane.writer.bytes(FROM_WORKER.LOADED, 0, Buffer.from(path));
        lane.stirred();
      },
      poolState: lane.state,
      log: (level, message, fields) => output.log({ level, message, ...(fields === undefined ? {} : { fields }) }),
    });
    const handle = await handling(host, boot);
    lane.serve({
      handle: (exchange) => currentExchange.run(exchange, handle, exchange),
      drain: (withinMs) => {
        host
          .drain(performance.now() + withinMs)
          .then(() => lane.emptied())
          .then(drained, unsound);
      },
    });
  } catch (error) {
    lane.json(FROM_WORKER.BOOT_FAILED, toFaultData(error, "BOOT"));
    lane.flush();
    // The pool ends the thread; the app may have left timers that would keep it.
    return life;
  }
  lane.json(FROM_WORKER.READY, { bootMs: Math.round(performance.now() - bornAt) } satisfies ReadyData);
  lane.flush();
  await life;
  output.end();
  lane.writer.mark(FROM_WORKER.DRAINED, 0);
  await lane.close();
}

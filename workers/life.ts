// A worker's life, whatever it is: boots the host, serves the lane, and resolves when drained.

import { systemClock } from "../src/base/clock.ts";
import { toFaultData } from "../src/base/fault.ts";
import { requestFields } from "../src/cgi/variables.ts";
import {
  ESCAPED_TOLD_MAX,
  type EscapedError,
  FROM_WORKER,
  type ReadyData,
  type WorkerBoot,
} from "../src/messages/lane.ts";
import type { Host, WorkerExchange } from "./exchange.ts";
import { WorkerLane } from "./lane.ts";
import { currentExchange, type WorkerOutput } from "./output.ts";
import type { Road } from "./road.ts";
import { tidyOnce } from "./tidying.ts";
import { uncaughtHandlers } from "./uncaught.ts";

export interface LifeOptions {
  readonly boot: WorkerBoot;
  readonly road: Road;
  readonly output: WorkerOutput;
  /** What is said first: a number that tells the worker from others. */
  readonly id: number;
  /** Where it notes its child processes. */
  readonly programs?: SharedArrayBuffer | undefined;
  /** Called with the function that has this worker replaced before it goes. */
  readonly leave?: (leave: (error: unknown) => void) => void;
}

/** What is called for each exchange. */
async function handling(host: Host, { live }: WorkerBoot): Promise<(exchange: WorkerExchange) => void> {
  if (live === undefined) return host.handle.bind(host);
  const { addLiveScript } = await import("./live-script.ts");
  return (exchange) => {
    addLiveScript(exchange, live);
    host.handle(exchange);
  };
}

export async function live({ boot, road, output, id, programs, leave }: LifeOptions): Promise<void> {
  const bornAt = performance.now();
  output.install();
  const lane = new WorkerLane(road, (line, about) => output.log(line, about));
  lane.writer.word(FROM_WORKER.BORN, 0, id);
  lane.flush();

  // An error that no handler caught leaves unknown damage: this worker finishes what it has while
  // another takes its place.
  let escaped = 0;
  const unsound = (error: unknown): void => {
    const exchange = currentExchange.getStore();
    if (exchange !== undefined && uncaughtHandlers.get(exchange)?.(error) === true) return;
    if (++escaped > ESCAPED_TOLD_MAX) return;
    const about = exchange === undefined ? {} : { about: requestFields(exchange.params) };
    lane.json(FROM_WORKER.UNSOUND, { ...toFaultData(error, "HANDLER"), ...about } satisfies EscapedError);
  };
  process.on("uncaughtException", unsound);
  process.on("unhandledRejection", unsound);
  leave?.(unsound);

  let drained = () => {};
  const life = new Promise<void>((resolve) => {
    drained = resolve;
  });
  try {
    // Not above: what fails while this file is loaded never reaches the pool, and a part that is missing
    // from the installation must be told like any other failure to boot.
    const { bootHost } = await import("./host.ts");
    const host = await bootHost(boot, {
      loaded: (path) => {
        lane.writer.bytes(FROM_WORKER.LOADED, 0, Buffer.from(path));
        lane.stirred();
      },
      ready: (path) => {
        if (boot.live === undefined) return;
        lane.writer.bytes(FROM_WORKER.LOADED, 1, Buffer.from(path));
        lane.stirred();
      },
      poolState: lane.state,
      programs,
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
    // The pool ends the worker; the app may have left timers that would keep it.
    return life;
  }
  lane.json(FROM_WORKER.READY, { bootMs: Math.round(performance.now() - bornAt) } satisfies ReadyData);
  lane.flush();
  const endTidying = tidyOnce({ clock: systemClock, activity: () => lane });
  await life;
  endTidying();
  output.end();
  lane.writer.mark(FROM_WORKER.DRAINED, 0);
  await lane.close();
}

// What piscina loads in each thread: one call that lasts as long as the worker.

import { threadId } from "node:worker_threads";
import type { WorkerLife } from "../src/messages/lane.ts";
import { OutputWriter } from "../src/messages/output-ring.ts";
import { live } from "./life.ts";
import { WorkerOutput } from "./output.ts";
import { ThreadRoad } from "./thread-road.ts";

export default function main({ boot, output: memory, programs, ...end }: WorkerLife): Promise<void> {
  const output = new WorkerOutput(new OutputWriter(memory), boot.logLimitBytes);
  return live({ boot, road: new ThreadRoad(end), output, id: threadId, programs });
}

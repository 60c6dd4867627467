// What handler authors import as "holdfast". Re-exports only.

export type {
  Context,
  Handler,
  HandlerModule,
  InitContext,
  Log,
  LogFields,
  RemoteAddress,
  StateOf,
  WorkerInfo,
} from "./app/context.ts";
export { defineHandler } from "./app/define.ts";

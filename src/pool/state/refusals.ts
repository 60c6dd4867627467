// What of the shared state a worker may not ask, and what to do about it.

import { Fault } from "../../base/fault.ts";
import { type Ask, KEY_BYTES_MAX } from "../../messages/state.ts";

export function checkKey(key: string): void {
  if (key.length <= KEY_BYTES_MAX) return;
  throw new Fault("HANDLER", `a key of ${key.length} bytes is longer than ${KEY_BYTES_MAX}`, {
    hint: "Use a digest of it.",
  });
}

export function tooLong({ key, value }: Ask, limit: number): Fault {
  return new Fault("HANDLER", `the value of ${shown(key)} has ${value.length} bytes, over the limit of ${limit}`, {
    hint: "Keep less under one key, or raise cache.value_limit (and cache.memory).",
  });
}

export function notANumber({ key }: Ask): Fault {
  return new Fault("HANDLER", `what is kept under ${shown(key)} is no number that can be added to`, {
    hint: "Delete it first, or count under another key.",
  });
}

/** Keys are an app's, one char per byte here. */
function shown(key: string): string {
  const text = Buffer.from(key, "latin1").toString("utf8");
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

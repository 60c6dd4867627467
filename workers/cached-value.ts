// A value of the cache as the bytes that the pool keeps.

import { Fault, messageOf } from "../src/base/fault.ts";

/** Numbers are text, so that the pool can add to them; all else as V8 writes it. */
export function encode(key: string, value: unknown): Uint8Array {
  if (value === undefined) {
    throw new Fault("HANDLER", `undefined cannot be kept under ${JSON.stringify(key)} in the cache`, {
      hint: "Delete the key, or keep null.",
    });
  }
  if (typeof value === "number" && Number.isFinite(value) && !Object.is(value, -0)) return Buffer.from(String(value));
  try {
    // Who keeps nothing has not loaded it.
    return process.getBuiltinModule("node:v8").serialize(value);
  } catch (cause) {
    throw new Fault("HANDLER", `the value of ${JSON.stringify(key)} cannot be kept in the cache: ${messageOf(cause)}`, {
      hint: "Keep plain data: what structuredClone takes.",
      cause,
    });
  }
}

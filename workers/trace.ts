// What was thrown, in words: anything can be, an Error with causes or a string. Never throws itself.

import { Fault } from "../src/base/fault.ts";

/** "TypeError: x is not a function", or what else was thrown. */
export function summaryOf(error: unknown): string {
  if (error instanceof Fault) return error.message;
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : `${describe(error)} was thrown`;
  } catch {
    // A getter or toString of the thrown thing throws in turn.
    return "something that cannot be shown was thrown";
  }
}

function describe(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** A chain of causes is shown this far, so that a cycle ends. */
const CAUSES = 8;

/** An error and its causes, outermost first. */
export function causeChain(error: unknown): unknown[] {
  const chain = [error];
  for (let at = error; at instanceof Error && at.cause !== undefined && chain.length < CAUSES; ) {
    at = at.cause;
    chain.push(at);
  }
  return chain;
}

/** The stack with those of its causes. */
export function traceOf(error: unknown): string {
  return causeChain(error)
    .map((each) => (each instanceof Error && each.stack !== undefined ? each.stack : summaryOf(each)))
    .join("\ncaused by: ");
}

// What was thrown, in words: anything can be, an Error with causes or a string. Never throws itself.

import { Fault } from "../src/base/fault.ts";
import { authorPlace, isOurs } from "../src/loader/author-place.ts";

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

/** What to do about it: a Fault says so, and of a package that is missing it is known. */
export function hintOf(error: unknown): string | undefined {
  return error instanceof Fault ? error.hint : (missingPackageHint(error) ?? listenerHint(error));
}

/** Node's words of an import and of a require; the package's name without a path in it. */
const MISSING_PACKAGE = /^Cannot find (?:package|module) '((?:@[\w.~-]+\/)?[\w~-][\w.~-]*)(?:\/[^']*)?'/;

/** What to type where an import names a package that is not installed; undefined for all other errors. */
function missingPackageHint(error: unknown): string | undefined {
  const name = MISSING_PACKAGE.exec(summaryOf(error).replace(/^Error: /, ""))?.[1];
  return name === undefined ? undefined : `Run \`npm install ${name}\` in the folder of the app's package.json.`;
}

/** V8's words where a function of Node's kind was called with a Request and a context. */
const NO_RESPONSE = /^TypeError: (?:res|response|reply)\.\w+ is not a function$/;

function listenerHint(error: unknown): string | undefined {
  if (!NO_RESPONSE.test(summaryOf(error))) return undefined;
  return 'A (req, res) function is exported as `node`, or wrapped in nodeHandler() of "holdfast", or mounted with kind = "node".';
}

/** A chain of causes is shown this far, so that a cycle ends. */
const CAUSES = 8;

/** An error and its causes, outermost first; without those whose stack the one before has taken for its own. */
export function causeChain(error: unknown): unknown[] {
  const chain = [error];
  let at = error;
  for (let depth = 0; depth < CAUSES; depth += 1) {
    const cause = causeOf(at);
    if (cause === undefined) break;
    const stack = stackOf(cause);
    if (stack === undefined || stackOf(chain.at(-1))?.includes(authorsPart(stack)) !== true) chain.push(cause);
    at = cause;
  }
  return chain;
}

/** The stack with those of its causes, each as far as it tells the author something. */
export function traceOf(error: unknown): string {
  return causeChain(error)
    .map((each) => authorsPart(stackOf(each) ?? summaryOf(each)))
    .join("\ncaused by: ");
}

/** Without our frames and Node's at the end, through which every handler is called. */
function authorsPart(stack: string): string {
  const rows = stack.split("\n");
  const last = rows.findLastIndex((row) => authorPlace(row) !== undefined);
  if (last === -1) return stack;
  const rest = rows.slice(last + 1);
  const isCaller = (row: string): boolean =>
    /^\s+at /.test(row) && (isOurs(row) || /node:internal|\(node:|\(<anonymous>\)/.test(row));
  return rest.every(isCaller) ? rows.slice(0, last + 1).join("\n") : stack;
}

/** Undefined for what is no Error, or has a stack that cannot be read. */
export function stackOf(error: unknown): string | undefined {
  try {
    return error instanceof Error && typeof error.stack === "string" ? error.stack : undefined;
  } catch {
    // `stack` and `cause` may be getters of the author's.
    return undefined;
  }
}

function causeOf(error: unknown): unknown {
  try {
    return error instanceof Error ? error.cause : undefined;
  } catch {
    return undefined;
  }
}

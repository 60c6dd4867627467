// What was thrown → a Fault, a line in the log, and the reply that a visitor or an author sees. Only
// the host calls this, at the one border where an app's errors end.

import { FAULTS, Fault } from "../src/base/fault.ts";
import { encodeHead, refusalReply } from "../src/cgi/response.ts";
import type { ErrorPageOptions } from "./error-page.ts";
import type { WorkerExchange } from "./exchange.ts";
import { hintOf, summaryOf, traceOf } from "./trace.ts";

export interface FailureOptions extends ErrorPageOptions {
  /** The error and the author's lines go into the page. */
  readonly showErrors: boolean;
  /** Upper case; undefined if the request's method was what failed. */
  readonly method: string | undefined;
  /** Value of Set-Cookie, where what it names is stored already. */
  readonly setCookie?: string | undefined;
}

/**
 * Logs `error` and answers with what it deserves: a Fault's own status, else 500; at once, but for a page that shows
 * the error. Never throws.
 */
export function replyFailure(
  exchange: WorkerExchange,
  error: unknown,
  options: FailureOptions,
): Promise<void> | undefined {
  const fault = error instanceof Fault ? error : handlerFault(error);
  // After an abort nobody sees the reply, and the author's code has usually failed because of it.
  if (exchange.aborted === undefined) {
    exchange.log(FAULTS[fault.code].level, fault.message, { ...withHint(fault), stack: traceOf(error) });
  }
  const reply = (page: FailurePage): void => {
    const head = options.setCookie === undefined ? page.head : withCookie(page.head, options.setCookie);
    exchange.reply(page.status, head, options.method === "HEAD" ? undefined : page.body, fault);
  };
  if (!options.showErrors || FAULTS[fault.code].level !== "error") {
    reply(plainPage(exchange, fault, options));
    return undefined;
  }
  return shownPage(exchange, error, fault, options)
    .catch(() => plainPage(exchange, fault, options))
    .then(reply);
}

/** What is for one visitor is for no cache. */
function withCookie(head: string, setCookie: string): string {
  const control = /^cache-control:/im.test(head) ? "" : "Cache-Control: no-store\r\n";
  return `${head.slice(0, -"\r\n".length)}Set-Cookie: ${setCookie}\r\n${control}\r\n`;
}

interface FailurePage {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

function plainPage({ params }: WorkerExchange, fault: Fault, { showErrors }: FailureOptions): FailurePage {
  const requestId = params.get("UNIQUE_ID");
  return refusalReply(fault, { showErrors, ...(requestId === undefined ? {} : { requestId }) });
}

/** Loaded with the first error that is shown. */
async function shownPage(
  exchange: WorkerExchange,
  error: unknown,
  fault: Fault,
  options: FailureOptions,
): Promise<FailurePage> {
  const { errorPage } = await import("./error-page.ts");
  const { type, body, policy } = errorPage(error, exchange.params, options);
  const headers: [string, string][] = [
    ["content-type", type],
    ["content-length", String(Buffer.byteLength(body))],
    ["cache-control", "no-store"],
    ["x-content-type-options", "nosniff"],
    ["content-security-policy", policy],
  ];
  // An app that did not load has no status of its own.
  const status = fault.status === 0 ? FAULTS.HANDLER.status : fault.status;
  return { status, head: encodeHead({ status, headers, role: exchange.role }), body };
}

export function handlerFault(error: unknown): Fault {
  return new Fault("HANDLER", `the handler failed: ${summaryOf(error)}`, { cause: error, ...withHint(error) });
}

/** An app that did not load. The stack is the author's. */
export function bootFault(file: string, error: unknown): Fault {
  if (error instanceof Fault && error.message.startsWith(file)) return error;
  const fault = new Fault("BOOT", `${file} did not load: ${summaryOf(error)}`, { cause: error, ...withHint(error) });
  fault.stack = traceOf(error);
  return fault;
}

function withHint(error: unknown): { hint?: string } {
  const hint = hintOf(error);
  return hint === undefined ? {} : { hint };
}

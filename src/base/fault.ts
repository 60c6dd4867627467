// A Fault is an error that Holdfast owns: it has a code from a closed set, and the code decides
// every consequence. No other file maps errors to numbers. What is thrown and is not a Fault is
// either the handler's error (it becomes HANDLER at the worker's border) or a bug of ours.

export type LogLevel = "error" | "warn" | "info" | "debug";

interface Consequence {
  readonly meaning: string;
  /** HTTP status sent to the web server; 0 where no HTTP reply is possible. */
  readonly status: number;
  /** Exit code of a command that ends with this fault (sysexits.h); 0 where none ends with it. */
  readonly exit: number;
  readonly level: LogLevel;
  /** What the fault ends; nothing larger is harmed. */
  readonly ends: "command" | "generation" | "connection" | "exchange";
}

export const FAULTS = {
  USAGE: { meaning: "the command line is wrong", status: 0, exit: 64, level: "error", ends: "command" },
  CONFIG: { meaning: "the configuration is wrong", status: 0, exit: 78, level: "error", ends: "command" },
  LISTEN: { meaning: "cannot bind, inherit or reach a socket", status: 0, exit: 69, level: "error", ends: "command" },
  BOOT: { meaning: "the app did not load, or not in time", status: 0, exit: 70, level: "error", ends: "generation" },
  PROTOCOL: { meaning: "the peer broke FastCGI", status: 400, exit: 0, level: "warn", ends: "connection" },
  REQUEST: { meaning: "the request contradicts itself", status: 400, exit: 0, level: "warn", ends: "exchange" },
  LIMIT: { meaning: "params or body exceed a limit", status: 413, exit: 0, level: "warn", ends: "exchange" },
  OVERLOAD: {
    meaning: "the queue is full, or the wait was too long",
    status: 503,
    exit: 0,
    level: "warn",
    ends: "exchange",
  },
  TIMEOUT: { meaning: "the handler passed its deadline", status: 504, exit: 0, level: "warn", ends: "exchange" },
  HANDLER: {
    meaning: "the handler threw, or returned no Response",
    status: 500,
    exit: 0,
    level: "error",
    ends: "exchange",
  },
  WORKER_LOST: { meaning: "the worker died under an exchange", status: 502, exit: 0, level: "error", ends: "exchange" },
} as const satisfies Record<string, Consequence>;

export type FaultCode = keyof typeof FAULTS;

export interface FaultOptions {
  /** What the reader should do about it; one sentence, shown after the message. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Overrides the table's HTTP status where one code covers two (LIMIT: 413 or 431). */
  readonly status?: number;
}

/** An error with known consequences; `FAULTS[fault.code]` holds them. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly hint: string | undefined;
  readonly status: number;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.status = options.status ?? FAULTS[code].status;
  }
}

/** The plain form in which an error crosses a border between processes or threads. */
export interface FaultData {
  readonly code: FaultCode;
  readonly message: string;
  readonly hint?: string;
  readonly stack?: string;
}

/** True for errors of any realm: a `vm` context has an Error of its own. */
export function isError(value: unknown): value is Error & { readonly code?: unknown } {
  return typeof value === "object" && value !== null && "message" in value && "stack" in value;
}

/** What anything thrown says of itself; never throws. */
export function messageOf(error: unknown): string {
  return textOf(isError(error) ? error.message : error);
}

/** A longer message or stack is cut on its way between threads and processes: an error may quote a whole body. */
export const FAULT_TEXT_MAX = 16 * 1024;
const CUT_MARK = " … (cut)";

/** Turns anything thrown into plain data; what is not a Fault takes `otherwise` as its code. */
export function toFaultData(error: unknown, otherwise: FaultCode): FaultData {
  const code = error instanceof Fault ? error.code : otherwise;
  if (!isError(error)) return { code, message: bounded(messageOf(error)) };
  return {
    code,
    message: bounded(messageOf(error)),
    ...(error instanceof Fault && error.hint !== undefined ? { hint: error.hint } : {}),
    ...(error.stack === undefined ? {} : { stack: bounded(textOf(error.stack)) }),
  };
}

function bounded(text: string): string {
  return text.length <= FAULT_TEXT_MAX ? text : text.slice(0, FAULT_TEXT_MAX - CUT_MARK.length) + CUT_MARK;
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    // An object without a prototype, or with a toString that throws.
    return "something that cannot be shown was thrown";
  }
}

/** The Fault that `toFaultData` described, with the far side's stack as its own. */
export function fromFaultData(data: FaultData): Fault {
  const fault = new Fault(data.code, data.message, data.hint === undefined ? {} : { hint: data.hint });
  if (data.stack !== undefined) fault.stack = data.stack;
  return fault;
}

// Lines for people or for machines, on standard error. `auto` is pretty on a terminal, JSON otherwise.

import pino from "pino";
import type { LogLevel } from "../base/fault.ts";

export type LogFormat = "json" | "pretty";
export type LogFields = Readonly<Record<string, unknown>>;

/** A line of the log. Control characters never reach a terminal or a line-based reader. */
export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** The same log with these fields on every line. */
  with(fields: LogFields): Log;
}

export function resolveLogFormat(option: "auto" | LogFormat, isTerminal: boolean): LogFormat {
  if (option !== "auto") return option;
  return isTerminal ? "pretty" : "json";
}

/** `write` takes one line with its newline; default: standard error, synchronously, whole lines. */
export function createLog(format: LogFormat, level: LogLevel = "info", write?: (line: string) => void): Log {
  const stderr = pino.destination({ dest: 2, sync: true });
  const out = write ?? ((line: string) => stderr.write(line));
  const stream = { write: format === "json" ? out : (line: string) => out(pretty(line)) };
  return wrap(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      stream,
    ),
  );
}

function wrap(logger: pino.Logger): Log {
  return {
    error: (message, fields = {}) => logger.error(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    debug: (message, fields = {}) => logger.debug(fields, message),
    with: (fields) => wrap(logger.child(fields)),
  };
}

function pretty(line: string): string {
  const { level, time, msg, stack, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === "string" ? plain(value) : JSON.stringify(value)}`,
  );
  const frames =
    typeof stack === "string"
      ? `\n${stack
          .split("\n")
          .map((frame) => `    ${plain(frame)}`)
          .join("\n")}`
      : "";
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${plain(String(msg))}${rest.join("")}${frames}\n`;
}

/** Escapes C0, DEL, C1, line separators and bidirectional controls: no message can forge a line. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

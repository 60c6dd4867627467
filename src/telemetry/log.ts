// Lines for people or for machines. `auto` is pretty on a terminal, JSON otherwise. Where they go is
// the caller's: standard error unless it says otherwise.

import pino from "pino";
import type { LogLevel } from "../base/fault.ts";
import { harmlessJson } from "./escape.ts";
import { prettyLine } from "./pretty.ts";

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

/** Takes one line, or several, each with its newline. */
export type WriteLine = (line: string) => void;

export function resolveLogFormat(option: "auto" | LogFormat, isTerminal: boolean): LogFormat {
  if (option !== "auto") return option;
  return isTerminal ? "pretty" : "json";
}

/** Whether standard error shows colours, and its reader has not asked for none [no-color.org]. */
export function wantsColours(): boolean {
  return process.stderr.isTTY === true && (process.env.NO_COLOR ?? "") === "";
}

/** Default of `write`: standard error, synchronously, whole lines. */
export function createLog(
  format: LogFormat,
  level: LogLevel = "info",
  write: WriteLine = standardError(),
  colours: boolean = false,
): Log {
  return wrap(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      { write: (line: string) => write(formatLine(line, format, colours)) },
    ),
  );
}

/** A log on standard error in the form that fits it, for a command that was given no other. */
export function terminalLog(level: LogLevel = "info"): Log {
  return createLog(resolveLogFormat("auto", process.stderr.isTTY === true), level, standardError(), wantsColours());
}

/** Writes whole lines to standard error, and waits where its reader is slow. */
export function standardError(): WriteLine {
  const stderr = pino.destination({ dest: 2, sync: true });
  return (line) => void stderr.write(line);
}

/** `line` is one JSON object with its newline. */
export function formatLine(line: string, format: LogFormat, colours = false): string {
  return format === "json" ? harmlessJson(line) : prettyLine(line, colours);
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

// Where the lines of this process go: standard error, or pipes to the supervisor, which never make
// the main thread wait.

import type { LogSettings } from "../messages/lifecycle.ts";
import { createLog, type Log, standardError, type WriteLine } from "../telemetry/log.ts";
import { PipeWriter } from "../telemetry/pipe-writer.ts";

const STDERR = 2;

export interface LogOutputs {
  readonly log: Log;
  /** Takes lines of the access log; undefined: there is none. */
  readonly access: WriteLine | undefined;
  /** Resolves when everything has left, or after `withinMs`. */
  flushed(withinMs: number): Promise<void>;
}

export function openLogOutputs({ format, level, colours, piped, accessFd }: LogSettings): LogOutputs {
  const pipes: PipeWriter[] = [];
  const pipe = (fd: number, what: string): WriteLine => {
    const writer = new PipeWriter(fd, (lines) => {
      log.warn(`${what} suppressed: written faster than the supervisor takes it`, { lines });
    });
    pipes.push(writer);
    return (line) => writer.write(line);
  };
  const log = createLog(format, level, piped ? pipe(STDERR, "log") : standardError(), colours);
  return {
    log,
    access: accessFd === undefined ? undefined : pipe(accessFd, "access log"),
    flushed: async (withinMs) => {
      await Promise.all(pipes.map((each) => each.flushed(withinMs)));
    },
  };
}

// Asks the running supervisor something over its control socket.

import { connect } from "node:net";
import { Option } from "commander";
import { Fault, fromFaultData } from "../base/fault.ts";
import { findConfig, loadSupervisor } from "../config/load.ts";
import type { ControlReply, ControlRequest } from "../messages/control.ts";

/** A supervisor answers from its own memory, after asking its pools for at most half of this, ms. */
export const ANSWER_TIMEOUT_MS = 10_000;
/** More than any status report; a larger answer is not from a supervisor. */
const REPLY_LIMIT_BYTES = 64 * 1024 * 1024;

/** The options by which a command finds the supervisor. */
export interface ControlOptions {
  readonly config?: string;
  readonly control?: string;
}

export const CONFIG_OPTION = () =>
  new Option("-c, --config <file>", "configuration file (default: /etc/holdfast/holdfast.toml, else ./holdfast.toml)");
export const CONTROL_OPTION = () =>
  new Option("--control <path>", "control socket of the supervisor (default: as the configuration says)");

/** Where the supervisor is asked, and how long it may take to stop. Throws CONFIG. */
export function findSupervisor({ config, control }: ControlOptions): {
  path: string;
  stopTimeoutMs: number | undefined;
} {
  if (control !== undefined) return { path: control, stopTimeoutMs: undefined };
  const supervisor = loadSupervisor(findConfig(config));
  return { path: supervisor.control, stopTimeoutMs: supervisor.stopTimeoutMs };
}

type Answer<C> = Extract<ControlReply, { ok: true; command: C }>;

/** Throws what the supervisor refused with, or LISTEN when none answers in time. */
export async function ask<const C extends ControlRequest["command"]>(
  path: string,
  request: Extract<ControlRequest, { command: C }>,
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<Answer<C>> {
  const line = await exchange(path, `${JSON.stringify(request)}\n`, timeoutMs);
  const reply = parse(line, path);
  if (!reply.ok) throw fromFaultData(reply.fault);
  return reply as Answer<C>;
}

function exchange(path: string, line: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const chunks: Buffer[] = [];
    let bytes = 0;
    const fail = (message: string, hint: string, cause?: unknown): void => {
      socket.destroy();
      reject(new Fault("LISTEN", message, cause === undefined ? { hint } : { hint, cause }));
    };
    // The supervisor is silent until it answers, so silence is all there is to limit.
    socket.setTimeout(timeoutMs, () => {
      fail(`the supervisor at ${path} did not answer within ${timeoutMs / 1000} s`, "is it stopped or overloaded?");
    });
    socket.on("connect", () => socket.write(line));
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > REPLY_LIMIT_BYTES) fail(`the answer from ${path} is too long`, "is this a Holdfast control socket?");
    });
    socket.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code === "EACCES") {
        fail(`no permission to use ${path}`, "run this as the user that started Holdfast", cause);
      } else if (cause.code === "ENOENT" || cause.code === "ECONNREFUSED") {
        fail(`no supervisor answers at ${path}`, "start one with `holdfast start`, or name its socket with --control");
      } else fail(`the supervisor at ${path} cannot be asked: ${cause.message}`, "see its log", cause);
    });
  });
}

function parse(line: string, path: string): ControlReply {
  try {
    const reply = JSON.parse(line) as ControlReply;
    if (typeof reply === "object" && reply !== null && typeof reply.ok === "boolean") return reply;
  } catch {
    // Told below, like every other answer that is none.
  }
  const what = line === "" ? "ended without an answer" : "answered something else";
  throw new Fault("LISTEN", `the supervisor at ${path} ${what}`, { hint: "see its log" });
}

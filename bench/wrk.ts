// HTTP load by wrk, and a look at single responses before and after it. wrk tells statuses and
// socket errors; that every body was right follows from the bytes it counted.

import { execFile } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { BODY } from "./peer.ts";
import type { Load } from "./sample.ts";

const THREADS = 2;
const PROBE_TIMEOUT_MS = 10_000;

export interface HttpLoad {
  readonly port: number;
  readonly path: string;
  readonly clients: number;
  readonly seconds: number;
  readonly repository: string;
}

interface Summary extends Omit<Load, "errors"> {
  readonly bytes: number;
  readonly status: number;
  readonly connect: number;
  readonly read: number;
  readonly write: number;
  readonly timeout: number;
}

export async function httpLoad({ port, path, clients, seconds, repository }: HttpLoad): Promise<Load> {
  const before = await probe(port, path);
  const { stdout } = await promisify(execFile)(
    "wrk",
    [
      `-t${Math.min(THREADS, clients)}`,
      `-c${clients}`,
      `-d${seconds}s`,
      "-s",
      join(repository, "bench/wrk.lua"),
      `http://127.0.0.1:${port}${path}`,
    ],
    { timeout: (seconds + 30) * 1000 },
  );
  const after = await probe(port, path);
  const summary = JSON.parse(/^SUMMARY (.*)$/m.exec(stdout)?.[1] ?? "{}") as Summary;
  return { ...summary, errors: [...before.errors, ...after.errors, ...judge(summary, before.bytes, clients)] };
}

function judge(summary: Summary, responseBytes: number, clients: number): string[] {
  const errors: string[] = [];
  if (!(summary.requests > 0)) return ["wrk counted no request"];
  for (const kind of ["status", "connect", "read", "write", "timeout"] as const) {
    if (summary[kind] > 0) errors.push(`${summary[kind]} × ${kind === "status" ? "not 2xx or 3xx" : `${kind} error`}`);
  }
  // Each client may have had one response under way at the end.
  const surplus = summary.bytes - summary.requests * responseBytes;
  if (surplus < 0 || surplus > clients * responseBytes) {
    errors.push(`${summary.bytes} bytes are not ${summary.requests} responses of ${responseBytes}`);
  }
  return errors;
}

/** One response, byte for byte as wrk would see it. */
async function probe(port: number, path: string): Promise<{ bytes: number; errors: string[] }> {
  const text = await rawGet(port, path);
  const [head = "", body] = text.split("\r\n\r\n");
  const errors: string[] = [];
  if (!/^HTTP\/1\.1 200 /.test(head)) errors.push(`answered ${head.split("\r\n")[0]}`);
  else if (body !== BODY) errors.push(`the body is ${JSON.stringify(body?.slice(0, 60))}`);
  else if (!/^content-type: text\/plain;charset=utf-8\r?$/im.test(head)) errors.push("the Content-Type is another");
  return { bytes: text.length, errors };
}

function rawGet(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.setEncoding("latin1");
    socket.setTimeout(PROBE_TIMEOUT_MS, () =>
      socket.destroy(new Error(`${path}: no answer in ${PROBE_TIMEOUT_MS} ms`)),
    );
    socket.once("error", reject);
    socket.once("close", () => resolve(text));
    socket.on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\r\n\r\n");
      const length = Number(/^content-length: (\d+)\r$/im.exec(text)?.[1] ?? Number.NaN);
      if (end >= 0 && text.length >= end + 4 + length) socket.destroy();
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  });
}

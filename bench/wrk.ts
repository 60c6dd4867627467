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
const PROBES = 3;
/** A reply that is no success is not longer. */
const FAILURE_BYTES = 4096;

export interface HttpLoad {
  readonly port: number;
  readonly path: string;
  readonly clients: number;
  readonly seconds: number;
  readonly repository: string;
  /** Default: a GET. */
  readonly request?: HttpRequest;
  /** Default: what every peer answers. */
  readonly expected?: ExpectedReply;
  /** So many of the replies may be no success; they are not counted. Default: none. */
  readonly failureShare?: number;
}

/** What is asked, by every client the same. */
export interface HttpRequest {
  readonly method?: string;
  readonly body?: string;
  readonly type?: string;
  /** A connection for every request. */
  readonly close?: boolean;
  /** One for each request, in turn; the replies to all of them are equally long. */
  readonly cookies?: readonly string[];
}

export interface ExpectedReply {
  readonly body: string | RegExp;
  readonly type: RegExp;
}

const PLAIN_REPLY: ExpectedReply = { body: BODY, type: /^text\/plain; ?charset=utf-8$/i };

interface Summary extends Omit<Load, "errors"> {
  readonly bytes: number;
  readonly status: number;
  readonly connect: number;
  readonly read: number;
  readonly write: number;
  readonly timeout: number;
}

export async function httpLoad(load: HttpLoad): Promise<Load> {
  const { port, path, clients, seconds, repository, request = {}, failureShare = 0 } = load;
  const before = await rightProbe(load);
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
    { timeout: (seconds + 30) * 1000, env: { ...process.env, ...variables(request) } },
  );
  const after = await rightProbe(load);
  const all = JSON.parse(/^SUMMARY (.*)$/m.exec(stdout)?.[1] ?? "{}") as Summary;
  const failed = all.status <= all.requests * failureShare ? all.status : 0;
  const summary = { ...all, requests: all.requests - failed, status: all.status - failed };
  const errors = [...before.errors, ...after.errors, ...judge(summary, before.bytes, clients, failed)];
  return { ...summary, failed, errors };
}

/** Where some may fail, one of a few is right. */
async function rightProbe(load: HttpLoad): ReturnType<typeof probe> {
  let found = await probe(load);
  for (let left = load.failureShare === undefined ? 0 : PROBES - 1; left > 0 && found.errors.length > 0; left--) {
    found = await probe(load);
  }
  return found;
}

function judge(summary: Summary, responseBytes: number, clients: number, failed: number): string[] {
  const errors: string[] = [];
  if (!(summary.requests > 0)) return ["wrk counted no request"];
  for (const kind of ["status", "connect", "read", "write", "timeout"] as const) {
    if (summary[kind] > 0) errors.push(`${summary[kind]} × ${kind === "status" ? "not 2xx or 3xx" : `${kind} error`}`);
  }
  // Each client may have had one response under way at the end.
  const surplus = summary.bytes - summary.requests * responseBytes;
  if (surplus < 0 || surplus > clients * responseBytes + failed * FAILURE_BYTES) {
    errors.push(`${summary.bytes} bytes are not ${summary.requests} responses of ${responseBytes}`);
  }
  return errors;
}

/** What wrk.lua reads. */
function variables({ method, body, type, close, cookies }: HttpRequest): Record<string, string> {
  return {
    ...(method === undefined ? {} : { BENCH_METHOD: method }),
    ...(body === undefined ? {} : { BENCH_BODY: body }),
    ...(type === undefined ? {} : { BENCH_TYPE: type }),
    ...(close === true ? { BENCH_CLOSE: "1" } : {}),
    ...(cookies === undefined ? {} : { BENCH_COOKIES: cookies.join("\n") }),
  };
}

/** One response, byte for byte as wrk would see it. */
async function probe({
  port,
  path,
  request = {},
  expected = PLAIN_REPLY,
}: HttpLoad): Promise<{ bytes: number; errors: string[] }> {
  const { head, body, bytes } = await rawRequest(port, path, request);
  const errors: string[] = [];
  const isRight = typeof expected.body === "string" ? body === expected.body : expected.body.test(body);
  if (!/^HTTP\/1\.1 200 /.test(head)) errors.push(`answered ${head.split("\r\n")[0]}`);
  else if (!isRight) errors.push(`the body is ${JSON.stringify(body.slice(0, 60))}`);
  else if (!expected.type.test(/^content-type: (.*?)\r?$/im.exec(head)?.[1] ?? ""))
    errors.push("the Content-Type is another");
  return { bytes, errors };
}

export interface RawReply {
  readonly head: string;
  /** Without the framing of its chunks. */
  readonly body: string;
  /** Of the whole reply on the wire. */
  readonly bytes: number;
}

export async function rawRequest(port: number, path: string, request: HttpRequest): Promise<RawReply> {
  const text = await exchange(port, path, request);
  const at = text.indexOf("\r\n\r\n");
  const head = text.slice(0, at);
  const content = text.slice(at + 4);
  const isChunked = /^transfer-encoding: chunked\r?$/im.test(head);
  return { head, body: isChunked ? unchunked(content) : content, bytes: text.length };
}

function unchunked(content: string): string {
  let body = "";
  for (let at = 0; at < content.length; ) {
    const end = content.indexOf("\r\n", at);
    const length = Number.parseInt(content.slice(at, end), 16);
    if (!(length > 0)) break;
    body += content.slice(end + 2, end + 2 + length);
    at = end + 2 + length + 2;
  }
  return body;
}

function exchange(port: number, path: string, request: HttpRequest): Promise<string> {
  const { method = "GET", body, type, close, cookies } = request;
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    ...(close === true ? ["Connection: close"] : []),
    ...(cookies?.[0] === undefined ? [] : [`Cookie: ${cookies[0]}`]),
    ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
  ];
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
      if (end < 0) return;
      const length = Number(/^content-length: (\d+)\r$/im.exec(text)?.[1] ?? Number.NaN);
      if (text.length >= end + 4 + length || text.endsWith("\r\n0\r\n\r\n")) socket.destroy();
    });
    socket.write(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
  });
}

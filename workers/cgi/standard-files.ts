// `fs` as a script sees it: its standard streams are also descriptors and files, and many scripts read
// and write them so: fs.readFileSync(0), fs.writeSync(1, …). Those of the worker are never touched.

import fs from "node:fs";
import { Fault } from "../../src/base/fault.ts";
import type { ScriptRun } from "./script-run.ts";

const STDIN = new Set<unknown>([0, "/dev/stdin"]);
const STDOUT = new Set<unknown>([1, "/dev/stdout"]);
const STDERR = new Set<unknown>([2, "/dev/stderr"]);

export function fsOf(run: ScriptRun): typeof fs {
  const known = made.get(run);
  if (known !== undefined) return known;
  const facade = Object.defineProperties({}, Object.getOwnPropertyDescriptors(fs)) as typeof fs;
  for (const [name, value] of Object.entries(overrides(run))) {
    Object.defineProperty(facade, name, { value, configurable: true, enumerable: true, writable: true });
  }
  made.set(run, facade);
  return facade;
}

const made = new WeakMap<ScriptRun, typeof fs>();

function overrides(run: ScriptRun): object {
  const streamOf = (file: unknown): NodeJS.WritableStream | undefined =>
    STDOUT.has(file) ? run.stdout : STDERR.has(file) ? process.stderr : undefined;
  const writeFile = (file: unknown, data: unknown): boolean => {
    const stream = streamOf(file);
    stream?.write(typeof data === "string" || data instanceof Uint8Array ? data : String(data));
    return stream !== undefined;
  };
  return {
    readFileSync(file: unknown, options?: unknown) {
      if (!STDIN.has(file)) return Reflect.apply(fs.readFileSync, fs, [file, options]);
      const encoding = typeof options === "string" ? options : (options as { encoding?: string } | undefined)?.encoding;
      const bytes = wholeBody(run);
      return encoding == null || encoding === "buffer" ? bytes : bytes.toString(encoding as BufferEncoding);
    },
    readSync(file: unknown, buffer: Uint8Array, ...rest: unknown[]) {
      if (file !== 0) return Reflect.apply(fs.readSync, fs, [file, buffer, ...rest]);
      const [first, second] = rest;
      const options =
        typeof first === "object" && first !== null ? (first as { offset?: number; length?: number }) : {};
      const offset = typeof first === "number" ? first : (options.offset ?? 0);
      const length = typeof second === "number" ? second : (options.length ?? buffer.length - offset);
      const bytes = run.input.takeSync(length);
      if (bytes.length === 0 && length > 0 && !run.input.isWhole) throw notHere();
      buffer.set(bytes, offset);
      return bytes.length;
    },
    writeSync(file: unknown, data: unknown, ...rest: unknown[]) {
      if (streamOf(file) === undefined) return Reflect.apply(fs.writeSync, fs, [file, data, ...rest]);
      const [offset, length] = rest;
      const isBytes = data instanceof Uint8Array;
      const from = isBytes && typeof offset === "number" ? offset : 0;
      const part = isBytes ? data.subarray(from, typeof length === "number" ? from + length : undefined) : String(data);
      writeFile(file, part);
      return Buffer.byteLength(part);
    },
    writeFileSync(file: unknown, data: unknown, options?: unknown) {
      if (!writeFile(file, data)) Reflect.apply(fs.writeFileSync, fs, [file, data, options]);
    },
    appendFileSync(file: unknown, data: unknown, options?: unknown) {
      if (!writeFile(file, data)) Reflect.apply(fs.appendFileSync, fs, [file, data, options]);
    },
    createReadStream(file: unknown, options?: unknown) {
      const fd = (options as { fd?: unknown } | undefined)?.fd;
      if (STDIN.has(file) || fd === 0) return run.stdin;
      return Reflect.apply(fs.createReadStream, fs, [file, options]);
    },
    createWriteStream(file: unknown, options?: unknown) {
      const fd = (options as { fd?: unknown } | undefined)?.fd;
      return streamOf(file) ?? streamOf(fd) ?? Reflect.apply(fs.createWriteStream, fs, [file, options]);
    },
  };
}

function wholeBody(run: ScriptRun): Buffer {
  if (!run.input.isWhole) throw notHere();
  return run.input.takeSync(Number.POSITIVE_INFINITY);
}

function notHere(): Fault {
  return new Fault("HANDLER", "the script reads its standard input at once, and the request body is not all here", {
    hint: "Read process.stdin as a stream: for await (const piece of process.stdin).",
  });
}

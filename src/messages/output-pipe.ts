// What a worker prints that is a process of its own, on its way to the pool: the records of
// output-ring.ts as a stream. The worker never waits: what finds no room is counted and left out.

import { writeSync } from "node:fs";
import { isError } from "../base/fault.ts";
import {
  type Dropped,
  encodeRecord,
  OUTPUT_RING_BYTES,
  type OutputRecord,
  RECORD_HEADER_BYTES,
  readRecord,
} from "./output-ring.ts";

/** A record that tells what was left out: its text is records u32 · KiB u32. */
export const OUTPUT_KIND_DROPPED = 255;
/** A pipe that was full is tried again after this time, ms. */
const RETRY_MS = 2;
/** At the end of its life the worker waits for the pool so long in all, ms. */
const LAST_MS = 200;

const NOTHING = new Uint8Array(0);

/** The worker's end. */
export class PipedOutputWriter {
  readonly #fd: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #fullSince = Number.NEGATIVE_INFINITY;
  #retry: NodeJS.Timeout | undefined;
  #dropped = 0;
  #droppedBytes = 0;
  #broken = false;

  /** `fd` does not block. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** False: there was no room, and the record is counted as dropped. */
  write(record: OutputRecord): boolean {
    const bytes = encodeRecord(record);
    if (this.#waitingBytes + bytes.length > OUTPUT_RING_BYTES) this.#flush();
    if (this.#waitingBytes + bytes.length > OUTPUT_RING_BYTES || this.#broken) {
      this.#dropped++;
      this.#droppedBytes += bytes.length;
      return false;
    }
    if (this.#dropped > 0) this.#push(this.#takeDropped());
    this.#push(bytes);
    this.#flush();
    return true;
  }

  /** Hands over what waits, as far as the pool takes it in time. To be called last. */
  end(): void {
    if (this.#dropped > 0) this.#push(this.#takeDropped());
    const sleep = new Int32Array(new SharedArrayBuffer(4));
    for (let waited = 0; this.#waitingBytes > 0 && waited < LAST_MS; waited += RETRY_MS) {
      this.#fullSince = Number.NEGATIVE_INFINITY;
      this.#flush();
      if (this.#waitingBytes > 0) Atomics.wait(sleep, 0, 0, RETRY_MS);
    }
  }

  #push(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #flush(): void {
    if (this.#broken || this.#waitingBytes === 0 || performance.now() - this.#fullSince < RETRY_MS) return;
    const [first] = this.#waiting;
    const all = this.#waiting.length === 1 && first !== undefined ? first : Buffer.concat(this.#waiting);
    let written = 0;
    try {
      while (written < all.length) written += writeSync(this.#fd, all, written);
    } catch (error) {
      // Nobody reads any more: this process is about to end.
      if (!isError(error) || error.code !== "EAGAIN") this.#broken = true;
      this.#fullSince = performance.now();
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#fullSince = Number.NEGATIVE_INFINITY;
        this.#flush();
      }, RETRY_MS).unref();
    }
    this.#waiting = written < all.length && !this.#broken ? [all.subarray(written)] : [];
    this.#waitingBytes = this.#waiting.length === 0 ? 0 : all.length - written;
  }

  #takeDropped(): Buffer {
    const text = Buffer.alloc(8);
    text.writeUInt32LE(this.#dropped, 0);
    text.writeUInt32LE(Math.floor(this.#droppedBytes / 1024), 4);
    this.#dropped = 0;
    this.#droppedBytes = 0;
    return encodeRecord({ kind: OUTPUT_KIND_DROPPED, part: 0, more: false, context: NOTHING, text });
  }
}

/** The pool's end: cuts the stream into records. */
export class PipedOutputReader {
  readonly #received: (record: OutputRecord) => void;
  readonly #dropped: (dropped: Dropped) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(received: (record: OutputRecord) => void, dropped: (dropped: Dropped) => void) {
    this.#received = received;
    this.#dropped = dropped;
  }

  /** Throws RangeError where that is no record. */
  push(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (rest.length >= RECORD_HEADER_BYTES) {
      const length = rest.readUInt32LE(0);
      if (length < RECORD_HEADER_BYTES || length > OUTPUT_RING_BYTES) throw new RangeError("no record of output");
      if (rest.length < length) break;
      const record = readRecord(rest.subarray(0, length));
      rest = rest.subarray(length);
      if (record.kind === OUTPUT_KIND_DROPPED) this.#tell(record.text);
      else this.#received(record);
    }
    // A piece of a chunk would keep all of it.
    this.#rest = Buffer.from(rest);
  }

  #tell(text: Uint8Array): void {
    const counts = new DataView(text.buffer, text.byteOffset, text.byteLength);
    if (counts.byteLength < 8) throw new RangeError("no record of output");
    this.#dropped({ records: counts.getUint32(0, true), kib: counts.getUint32(4, true) });
  }
}

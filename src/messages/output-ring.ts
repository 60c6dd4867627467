// What a worker prints, on its way to the pool: records in shared memory that one thread writes and
// another reads. The pool finds them also when the worker spins, or is dead. The worker never waits:
// what finds no room is counted and left out.
//
//   record := length u32 · kind u8 · flags u8 · part u16 · context length u32 · context · text
//
// (little endian; `length` is that of the whole record). `context` is the JSON of the request that
// the text belongs to, or empty.

export const OUTPUT_RING_BYTES = 1024 * 1024;

export const RECORD_HEADER_BYTES = 12;
const FLAG_MORE = 1;
const PART_MAX = 0xffff;

export const OUTPUT_KIND = { STDOUT: 1, STDERR: 2, /** Text is JSON `LogData`. */ LOG: 3 } as const;

// Words before the data. Positions count bytes modulo 2³², so that full and empty differ.
const WORD_WRITTEN = 0;
const WORD_READ = 1;
/** 1: the reader sleeps and wants to be woken. */
const WORD_ASLEEP = 2;
const WORD_DROPPED_RECORDS = 3;
const WORD_DROPPED_KIB = 4;
const WORDS = 8;
const DATA_START = WORDS * Int32Array.BYTES_PER_ELEMENT;

export interface OutputRecord {
  readonly kind: number;
  readonly part: number;
  readonly more: boolean;
  readonly context: Uint8Array;
  readonly text: Uint8Array;
}

export interface Dropped {
  readonly records: number;
  /** Rounded down. */
  readonly kib: number;
}

/** What takes records; false: there was no room, and the record is counted as dropped. */
export interface OutputSink {
  write(record: OutputRecord): boolean;
}

/** Where the records of one worker come from. */
export interface OutputSource {
  /** The oldest record, copied out; undefined: there is none. */
  read(): OutputRecord | undefined;
  /** What was left out since this was last asked. */
  dropped(): Dropped;
  /** Resolves once there is something to read, or after `wake`. */
  awaited(): Promise<void>;
  wake(): void;
}

function writeRecordHeader(header: Buffer, { kind, part, more, context, text }: OutputRecord): number {
  const length = RECORD_HEADER_BYTES + context.length + text.length;
  header.writeUInt32LE(length, 0);
  header.writeUInt8(kind, 4);
  header.writeUInt8(more ? FLAG_MORE : 0, 5);
  header.writeUInt16LE(Math.min(part, PART_MAX), 6);
  header.writeUInt32LE(context.length, 8);
  return length;
}

/** A record as bytes. */
export function encodeRecord(record: OutputRecord): Buffer {
  const { context, text } = record;
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES + context.length + text.length);
  writeRecordHeader(bytes, record);
  bytes.set(context, RECORD_HEADER_BYTES);
  bytes.set(text, RECORD_HEADER_BYTES + context.length);
  return bytes;
}

/** The record in `bytes`, which are copied. Throws RangeError where its parts do not fit. */
export function readRecord(bytes: Buffer): OutputRecord {
  const textAt = RECORD_HEADER_BYTES + bytes.readUInt32LE(8);
  if (textAt > bytes.length) throw new RangeError("a record whose context is longer than the record");
  return {
    kind: bytes.readUInt8(4),
    part: bytes.readUInt16LE(6),
    more: (bytes.readUInt8(5) & FLAG_MORE) !== 0,
    context: Buffer.from(bytes.subarray(RECORD_HEADER_BYTES, textAt)),
    text: Buffer.from(bytes.subarray(textAt)),
  };
}

/** `capacity` is a power of two. */
export function makeOutputMemory(capacity: number = OUTPUT_RING_BYTES): SharedArrayBuffer {
  return new SharedArrayBuffer(DATA_START + capacity);
}

class Ring {
  protected readonly words: Int32Array<SharedArrayBuffer>;
  protected readonly data: Uint8Array;
  protected readonly header = Buffer.alloc(RECORD_HEADER_BYTES);

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory, 0, WORDS);
    this.data = new Uint8Array(memory, DATA_START);
  }

  protected get filled(): number {
    return (Atomics.load(this.words, WORD_WRITTEN) - Atomics.load(this.words, WORD_READ)) >>> 0;
  }
}

/** The worker's end. */
export class OutputWriter extends Ring implements OutputSink {
  #droppedBytes = 0;

  write(record: OutputRecord): boolean {
    const { context, text } = record;
    const length = RECORD_HEADER_BYTES + context.length + text.length;
    if (length > this.data.length - this.filled) {
      this.#drop(length);
      return false;
    }
    const { header } = this;
    writeRecordHeader(header, record);
    const at = Atomics.load(this.words, WORD_WRITTEN);
    this.#put(at, header);
    this.#put(at + RECORD_HEADER_BYTES, context);
    this.#put(at + RECORD_HEADER_BYTES + context.length, text);
    Atomics.store(this.words, WORD_WRITTEN, (at + length) | 0);
    if (Atomics.exchange(this.words, WORD_ASLEEP, 0) === 1) Atomics.notify(this.words, WORD_ASLEEP);
    return true;
  }

  #drop(length: number): void {
    Atomics.add(this.words, WORD_DROPPED_RECORDS, 1);
    this.#droppedBytes += length;
    const kib = Math.floor(this.#droppedBytes / 1024);
    if (kib === 0) return;
    this.#droppedBytes -= kib * 1024;
    Atomics.add(this.words, WORD_DROPPED_KIB, kib);
  }

  #put(position: number, bytes: Uint8Array): void {
    const start = (position >>> 0) % this.data.length;
    const fits = Math.min(bytes.length, this.data.length - start);
    this.data.set(fits === bytes.length ? bytes : bytes.subarray(0, fits), start);
    if (fits < bytes.length) this.data.set(bytes.subarray(fits), 0);
  }
}

/** The pool's end. */
export class OutputReader extends Ring implements OutputSource {
  read(): OutputRecord | undefined {
    const { filled } = this;
    if (filled < RECORD_HEADER_BYTES) return undefined;
    const at = Atomics.load(this.words, WORD_READ);
    const header = this.#get(at, RECORD_HEADER_BYTES);
    const length = header.readUInt32LE(0);
    const contextLength = header.readUInt32LE(8);
    const from = at + RECORD_HEADER_BYTES;
    const record = {
      kind: header.readUInt8(4),
      part: header.readUInt16LE(6),
      more: (header.readUInt8(5) & FLAG_MORE) !== 0,
      context: this.#get(from, contextLength),
      text: this.#get(from + contextLength, length - RECORD_HEADER_BYTES - contextLength),
    };
    Atomics.store(this.words, WORD_READ, (at + length) | 0);
    return record;
  }

  dropped(): Dropped {
    return {
      records: Atomics.exchange(this.words, WORD_DROPPED_RECORDS, 0),
      kib: Atomics.exchange(this.words, WORD_DROPPED_KIB, 0),
    };
  }

  async awaited(): Promise<void> {
    Atomics.store(this.words, WORD_ASLEEP, 1);
    if (this.filled > 0) return;
    const wait = Atomics.waitAsync(this.words, WORD_ASLEEP, 1);
    if (wait.async) await wait.value;
  }

  wake(): void {
    Atomics.store(this.words, WORD_ASLEEP, 0);
    Atomics.notify(this.words, WORD_ASLEEP);
  }

  #get(position: number, length: number): Buffer {
    const start = (position >>> 0) % this.data.length;
    const bytes = Buffer.allocUnsafe(length);
    const fits = Math.min(length, this.data.length - start);
    bytes.set(this.data.subarray(start, start + fits));
    if (fits < length) bytes.set(this.data.subarray(0, length - fits), fits);
    return bytes;
  }
}

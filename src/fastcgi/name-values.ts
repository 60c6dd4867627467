// Name-value pairs ↔ bytes [FCGI §3.4]. A length is one byte below 128, else four with the high bit
// set; four bytes are accepted for small lengths too. A declared length is compared with the bytes
// that are there and never allocated from. It does not know what the names mean: that is src/cgi.

import { Fault } from "../base/fault.ts";

/** A string is sent as UTF-8. */
export type NameValue = readonly [name: string, value: string | Uint8Array];

/** So many variables are looked up by a walk over the bytes; whoever asks for more gets an index. */
const SCANS = 3;

/** [FCGI §3.4] */
const MAX_LENGTH = 0x7fff_ffff;

export function encodeNameValues(pairs: Iterable<NameValue>): Buffer {
  const parts: Uint8Array[] = [];
  for (const [name, value] of pairs) {
    const nameBytes = Buffer.from(name);
    const valueBytes = typeof value === "string" ? Buffer.from(value) : value;
    parts.push(encodeLength(nameBytes.length), encodeLength(valueBytes.length), nameBytes, valueBytes);
  }
  return Buffer.concat(parts);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  if (length > MAX_LENGTH) throw new RangeError(`a name or value of ${length} bytes`);
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE((length | 0x8000_0000) >>> 0);
  return bytes;
}

/**
 * Walks a whole stream of pairs without making strings and returns how many there are. Throws Fault
 * PROTOCOL where a pair runs past the end, Fault LIMIT (431) beyond `maxCount` pairs.
 */
export function inspectNameValues(bytes: Buffer, maxCount: number): number {
  let count = 0;
  walk(bytes, () => {
    count += 1;
    if (count <= maxCount) return;
    throw new Fault("LIMIT", `more than ${maxCount} parameters`, {
      status: 431,
      hint: "Send fewer request headers or environment variables.",
    });
  });
  return count;
}

/**
 * The parameters of one request over the bytes in which they came. Nothing is decoded before it is
 * asked for: a handler that looks at three variables makes three strings. Of several pairs with the
 * same name the last one counts, as in an environment. Every reader throws Fault PROTOCOL if the
 * bytes were not valid; `inspectNameValues` finds out beforehand.
 */
export class Params {
  readonly #bytes: Buffer;
  /** Per pair: start of the name, of the value, and the end; made once several variables were asked for. */
  #offsets: number[] | undefined;
  #scans = 0;
  /** Where `#find` found a value. */
  #start = 0;
  #end = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Parameters that never were on the wire. */
  static from(pairs: Iterable<NameValue>): Params {
    return new Params(encodeNameValues(pairs));
  }

  /** One char per byte (latin1), as HTTP fields are. */
  get(name: string): string | undefined {
    return this.#find(name) ? this.#bytes.toString("latin1", this.#start, this.#end) : undefined;
  }

  /** For file names and other text; what is no UTF-8 becomes U+FFFD. */
  getUtf8(name: string): string | undefined {
    return this.#find(name) ? this.#bytes.toString("utf8", this.#start, this.#end) : undefined;
  }

  /** A view of the parameters' own bytes. */
  getBytes(name: string): Buffer | undefined {
    return this.#find(name) ? this.#bytes.subarray(this.#start, this.#end) : undefined;
  }

  /** Every value that was sent under this name, in order, one char per byte. */
  getAll(name: string): string[] {
    const values: string[] = [];
    const offsets = this.#index();
    for (let at = 0; at < offsets.length; at += 3) {
      if (this.#isNamed(offsets, at, name)) values.push(this.#value(at).toString("latin1"));
    }
    return values;
  }

  has(name: string): boolean {
    return this.#find(name);
  }

  /** False: no name holds these bytes. True: look. Cheaper than any other question. */
  mayHave(bytes: Buffer): boolean {
    return this.#bytes.includes(bytes);
  }

  /** All pairs as they were sent, also those that a later one of the same name overrides; one char per byte. */
  *entries(): IterableIterator<[name: string, value: string]> {
    const offsets = this.#index();
    for (let at = 0; at < offsets.length; at += 3) {
      const name = this.#bytes.toString("latin1", offsets[at], offsets[at + 1]);
      yield [name, this.#value(at).toString("latin1")];
    }
  }

  /** As `entries`, but only the pairs whose names begin with `prefix`; the others cost no strings. */
  withPrefix(prefix: string): [name: string, value: string][] {
    const pairs: [string, string][] = [];
    const offsets = this.#index();
    for (let at = 0; at < offsets.length; at += 3) {
      const start = offsets[at] as number;
      const value = offsets[at + 1] as number;
      if (value - start < prefix.length || !this.#spells(start, prefix)) continue;
      pairs.push([this.#bytes.toString("latin1", start, value), this.#value(at).toString("latin1")]);
    }
    return pairs;
  }

  /** Pairs as they were sent. */
  get size(): number {
    return this.#index().length / 3;
  }

  #index(): number[] {
    if (this.#offsets === undefined) {
      const offsets: number[] = [];
      walk(this.#bytes, (name, value, end) => {
        offsets.push(name, value, end);
      });
      this.#offsets = offsets;
    }
    return this.#offsets;
  }

  #value(at: number): Buffer {
    const offsets = this.#index();
    return this.#bytes.subarray(offsets[at + 1], offsets[at + 2]);
  }

  /** Finds the last pair of this name, and notes where its value is. */
  #find(name: string): boolean {
    if (this.#offsets === undefined && this.#scans < SCANS) {
      this.#scans += 1;
      return this.#scan(name);
    }
    const offsets = this.#index();
    for (let at = offsets.length - 3; at >= 0; at -= 3) {
      if (!this.#isNamed(offsets, at, name)) continue;
      this.#start = offsets[at + 1] as number;
      this.#end = offsets[at + 2] as number;
      return true;
    }
    return false;
  }

  #scan(name: string): boolean {
    const bytes = this.#bytes;
    let found = false;
    for (let at = 0; at < bytes.length; ) {
      const nameLength = lengthAt(bytes, at);
      at += lengthOfLength(bytes, at);
      const valueLength = lengthAt(bytes, at);
      const start = at + lengthOfLength(bytes, at);
      at = start + nameLength + valueLength;
      if (at > bytes.length) throw truncated();
      if (nameLength !== name.length || !this.#spells(start, name)) continue;
      found = true;
      this.#start = start + nameLength;
      this.#end = at;
    }
    return found;
  }

  #isNamed(offsets: number[], at: number, name: string): boolean {
    const start = offsets[at] as number;
    return (offsets[at + 1] as number) - start === name.length && this.#spells(start, name);
  }

  /** Compared from the end, because names share their beginnings: HTTP_, SERVER_, REQUEST_. */
  #spells(start: number, text: string): boolean {
    for (let i = text.length - 1; i >= 0; i -= 1) {
      if (this.#bytes[start + i] !== text.charCodeAt(i)) return false;
    }
    return true;
  }
}

function walk(bytes: Buffer, visit: (name: number, value: number, end: number) => void): void {
  let at = 0;
  while (at < bytes.length) {
    const nameLength = lengthAt(bytes, at);
    at += lengthOfLength(bytes, at);
    const valueLength = lengthAt(bytes, at);
    const name = at + lengthOfLength(bytes, at);
    const value = name + nameLength;
    at = value + valueLength;
    if (at > bytes.length) throw truncated();
    visit(name, value, at);
  }
}

function lengthOfLength(bytes: Buffer, at: number): 1 | 4 {
  return (bytes[at] as number) < 0x80 ? 1 : 4;
}

function lengthAt(bytes: Buffer, at: number): number {
  const first = bytes[at];
  if (first === undefined) throw truncated();
  if (first < 0x80) return first;
  if (at + 4 > bytes.length) throw truncated();
  return bytes.readUInt32BE(at) & MAX_LENGTH;
}

function truncated(): Fault {
  return new Fault("PROTOCOL", "the last name-value pair runs past the end of its stream");
}

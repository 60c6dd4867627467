// The fields of an application/x-www-form-urlencoded body [URL §5.1].

import type { FormLimits } from "../../src/messages/lane.ts";
import { beyond } from "./limits.ts";
import type { ReadPiece } from "./multipart.ts";

const AMPERSAND = 0x26;

/** Name and value of each field, in their order; duplicates stay. Rejects with Refusal, and with what broke the body. */
export async function readUrlencoded(read: ReadPiece, limits: FormLimits): Promise<Iterable<[string, string]>> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let separators = 0;
  for (let piece = await read(); piece !== undefined; piece = await read()) {
    bytes += piece.length;
    if (bytes > limits.memoryBytes) throw beyond("memoryBytes", `is longer than ${limits.memoryBytes} bytes`);
    separators += count(piece, AMPERSAND);
    // Counted before anything is decoded: a million empty fields must cost nothing.
    if (separators >= limits.fields) throw tooMany(limits);
    pieces.push(piece);
  }
  if (bytes === 0) return [];
  const fields = new URLSearchParams(Buffer.concat(pieces).toString("utf8"));
  for (const [name, value] of fields) judge(name, value, limits);
  return fields;
}

function judge(name: string, value: string, { nameBytes, fieldBytes }: FormLimits): void {
  if (name.length * MOST_BYTES > nameBytes && Buffer.byteLength(name) > nameBytes) {
    throw beyond("nameBytes", `has a field whose name is longer than ${nameBytes} bytes`);
  }
  if (value.length * MOST_BYTES > fieldBytes && Buffer.byteLength(value) > fieldBytes) {
    throw beyond("fieldBytes", `has more than ${fieldBytes} bytes in field ${JSON.stringify(name.slice(0, 100))}`);
  }
}

/** Of one UTF-16 unit in UTF-8. */
const MOST_BYTES = 3;

function tooMany({ fields }: FormLimits): Error {
  return beyond("fields", `has more than ${fields} fields`);
}

function count(bytes: Uint8Array, wanted: number): number {
  let found = 0;
  for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + 1)) found += 1;
  return found;
}

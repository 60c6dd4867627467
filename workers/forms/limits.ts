// How much of a form is taken, and the error that tells which limit it passed.

import type { FormLimits } from "../../src/messages/lane.ts";
import { Refusal } from "../refusal.ts";

/** Fields of FormLimits → the option's name below `[pools.NAME.form]`. */
const OPTIONS: Readonly<Record<keyof FormLimits, string>> = {
  fields: "fields",
  fieldBytes: "field_limit",
  nameBytes: "name_limit",
  files: "files",
  fileBytes: "file_limit",
  memoryBytes: "memory_limit",
};

/** 413, with the option that decides. `what` is such as "has more than 20 files". */
export function beyond(limit: keyof FormLimits, what: string): Refusal {
  return new Refusal("LIMIT", `the form ${what} (form.${OPTIONS[limit]})`, {
    hint: `Raise ${OPTIONS[limit]} in [pools.NAME.form] if the app wants such forms.`,
  });
}

/** 400: what was sent is no form, or not all of one. */
export function malformed(what: string, cause?: unknown): Refusal {
  return new Refusal("REQUEST", `the form cannot be read: ${what}`, cause === undefined ? {} : { cause });
}

/** All that comes, in memory. Rejects with what `tooMuch` makes where it is more than `most` bytes, and with what broke it. */
export async function readWithin(
  read: () => Promise<Uint8Array | undefined>,
  most: number,
  tooMuch = () => beyond("memoryBytes", `is longer than ${most} bytes`),
): Promise<Buffer<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for (let piece = await read(); piece !== undefined; piece = await read()) {
    bytes += piece.length;
    if (bytes > most) throw tooMuch();
    pieces.push(piece);
  }
  return Buffer.concat(pieces, bytes);
}

/** 413: parts of a form that are kept in memory. */
export function beyondMemory({ memoryBytes }: FormLimits): Refusal {
  return beyond("memoryBytes", `takes more than ${memoryBytes} bytes of memory`);
}

// What is stored of a session, as text. JSON, and nothing that could hold code; told from other writings by its version.
// Pure.

import { Fault } from "../../src/base/fault.ts";
import { FINAL } from "./store.ts";
import type { WallTime } from "./wall-clock.ts";

/** What an app puts in. No prototype: names may be anything. */
export type Bag = Record<string, unknown>;

export interface SessionContent {
  readonly data: Bag;
  readonly flash: Bag;
}

export type SessionRecord =
  | ({ readonly kind: "session"; readonly createdAt: WallTime } & SessionContent)
  /** Its id was changed a moment ago. */
  | { readonly kind: "moved" };

const VERSION = 1;

export function emptyContent(): SessionContent {
  return { data: bag(), flash: bag() };
}

/** Throws HANDLER for what JSON cannot hold. */
export function writeRecord(createdAt: WallTime, { data, flash }: SessionContent): string {
  // Without flash messages, as nearly always, they take no room.
  const said = Object.keys(flash).length === 0 ? {} : { flash };
  try {
    return JSON.stringify({ v: VERSION, at: createdAt, data, ...said }, storable);
  } catch (error) {
    if (error instanceof Fault) throw error;
    // What refers to itself, or a toJSON that throws.
    throw new Fault("HANDLER", "the session's data cannot be written as JSON", { cause: error });
  }
}

/** Undefined: no session that we have written. */
export function readRecord(text: string): SessionRecord | undefined {
  if (text === FINAL) return { kind: "moved" };
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(read) || read.v !== VERSION) return undefined;
  const { at, data, flash = {} } = read;
  if (typeof at !== "number" || !isObject(data) || !isObject(flash)) return undefined;
  return { kind: "session", createdAt: at, data: bag(data), flash: bag(flash) };
}

function bag(from?: Bag): Bag {
  const made = Object.create(null) as Bag;
  return from === undefined ? made : Object.assign(made, from);
}

function isObject(value: unknown): value is Bag {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON would make `{}` of a Map, and nothing at all of a function, without a word. */
function storable(key: string, value: unknown): unknown {
  const kind = typeof value;
  const lost = kind === "bigint" || kind === "function" || kind === "symbol" || isCollection(value);
  if (!lost) return value;
  const what = kind === "object" ? (value as object).constructor.name : kind;
  throw new Fault("HANDLER", `a session cannot hold a ${what} ("${key}")`, {
    hint: "Keep what JSON can hold: text, numbers, true and false, arrays, plain objects.",
  });
}

function isCollection(value: unknown): boolean {
  return value instanceof Map || value instanceof Set || value instanceof WeakMap || ArrayBuffer.isView(value);
}

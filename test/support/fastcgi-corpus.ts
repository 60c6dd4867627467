// Reads test/corpus/fastcgi: bytes (NAME.hex) beside what they must mean (NAME.json). The notation
// is described in test/corpus/fastcgi/README.md.

import { readdirSync, readFileSync } from "node:fs";
import { type ApplicationEvent, type ApplicationLimits, DEFAULT_LIMITS } from "../../src/fastcgi/application.ts";
import { Params } from "../../src/fastcgi/name-values.ts";

/** Tests run from dist/test; the corpus is not compiled. */
const CORPUS = new URL("../../../test/corpus/fastcgi/", import.meta.url);

/** Bytes from the web server, or the reply to an id being complete. */
export type Step = { readonly bytes: Buffer } | { readonly end: number };

export interface CorpusCase {
  readonly name: string;
  readonly about: string;
  readonly law: string | undefined;
  readonly limits: ApplicationLimits;
  readonly steps: readonly Step[];
  readonly events: readonly Meaning[];
  /** Bytes that must still be held at the end. */
  readonly buffered: number;
  readonly open: number | undefined;
  /** The bytes end inside of a record. */
  readonly midRecord: boolean;
}

/** An event as the corpus writes it. */
export type Meaning = Readonly<Record<string, unknown>>;

export function readCorpus(folder: "valid" | "invalid"): CorpusCase[] {
  const url = new URL(`${folder}/`, CORPUS);
  return readdirSync(url)
    .filter((file) => file.endsWith(".hex"))
    .sort()
    .map((file) => readCase(url, file.slice(0, -4)));
}

function readCase(folder: URL, name: string): CorpusCase {
  const json = JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
  return {
    name,
    about: json.about,
    law: json.law,
    limits: { ...DEFAULT_LIMITS, ...json.limits },
    steps: parseHex(readFileSync(new URL(`${name}.hex`, folder), "utf8")),
    events: json.events.map(expand),
    buffered: json.buffered ?? 0,
    open: json.open,
    midRecord: json.midRecord ?? false,
  };
}

/** `01 ff "text" 61*65535 # comment`; `!end 1` on a line of its own. */
export function parseHex(text: string): Step[] {
  const steps: Step[] = [];
  let parts: Buffer[] = [];
  const flush = () => {
    if (parts.length > 0) steps.push({ bytes: Buffer.concat(parts) });
    parts = [];
  };
  for (const line of text.split("\n")) {
    const end = /^!end (\d+)$/.exec(line);
    if (end !== null) {
      flush();
      steps.push({ end: Number(end[1]) });
    } else {
      parts.push(parseHexLine(line));
    }
  }
  flush();
  return steps;
}

function parseHexLine(line: string): Buffer {
  const parts: Buffer[] = [];
  for (const [token] of line.matchAll(/"[^"]*"|#.*|\S+/g)) {
    const repeated = /^([0-9a-f]{2})\*(\d+)$/.exec(token);
    if (token.startsWith("#")) break;
    if (token.startsWith('"')) parts.push(Buffer.from(token.slice(1, -1), "latin1"));
    else if (repeated !== null) parts.push(Buffer.alloc(Number(repeated[2]), repeated[1], "hex"));
    else if (/^(?:[0-9a-f]{2})+$/.test(token)) parts.push(Buffer.from(token, "hex"));
    else throw new Error(`not understood: ${token}`);
  }
  return Buffer.concat(parts);
}

function bytesOf(steps: readonly Step[]): Buffer {
  return Buffer.concat(steps.map((step) => ("bytes" in step ? step.bytes : Buffer.alloc(0))));
}

/** `{ "repeat": "a", "times": 3 }` stands for "aaa", and the bytes of "send" may be written as in NAME.hex. */
function expand(value: unknown): Meaning {
  const expanded = expandStrings(value) as Meaning;
  return typeof expanded.hex === "string"
    ? { ...expanded, hex: bytesOf(parseHex(expanded.hex)).toString("hex") }
    : expanded;
}

function expandStrings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expandStrings);
  if (typeof value !== "object" || value === null) return value;
  if ("repeat" in value && "times" in value) return String(value.repeat).repeat(Number(value.times));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, expandStrings(inner)]));
}

/** Events in the corpus's words; neighbouring pieces of one stream become one, for records only cut it. */
export function meaningOf(events: readonly ApplicationEvent[]): Meaning[] {
  const meanings: Record<string, unknown>[] = [];
  for (const event of events) {
    const last = meanings.at(-1);
    if ((event.kind === "stdin" || event.kind === "data") && last?.kind === event.kind && last.id === event.id) {
      last.bytes = `${last.bytes}${event.bytes.toString("latin1")}`;
    } else {
      meanings.push(wordsOf(event));
    }
  }
  return meanings;
}

function wordsOf(event: ApplicationEvent): Record<string, unknown> {
  switch (event.kind) {
    case "request":
      return { ...event, params: [...new Params(event.params).entries()] };
    case "stdin":
    case "data":
      return { ...event, bytes: event.bytes.toString("latin1") };
    case "send":
      return { kind: "send", hex: event.bytes.toString("hex"), closeAfter: event.closeAfter };
    case "refuse": {
      const { fault, ...rest } = event;
      return { ...rest, code: fault.code, status: fault.status, says: fault.message };
    }
    case "fault":
      return { kind: "fault", code: event.fault.code, says: event.fault.message };
    default:
      return { ...event };
  }
}

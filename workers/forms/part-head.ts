// The lines before a part's content → its name, file name and type [RFC 7578 §4.2, RFC 2183 §2]. A part
// that does not say what it is makes the form a 400: passed over, it would be missing and nobody told.

import { safeFilename, unescapeName } from "./filename.ts";
import { beyond, malformed } from "./limits.ts";

export interface PartHead {
  readonly name: string;
  /** Undefined: a field. "": a file input in which nothing was chosen, if it has no bytes. */
  readonly filename: string | undefined;
  /** Media type as the client says; `text/plain` where it says nothing. */
  readonly type: string;
}

/** Names in lower case → what was given for each; every byte a character. */
export type HeaderLines = Readonly<Record<string, readonly string[]>>;

/** Lines before a part's content: browsers send two. */
export const HEADER_LINES = 20;
/** Beside its name. */
const HEADER_BYTES = 8 * 1024;
/** Of a line beside its name and its value: colon, space, line break. */
const AROUND_BYTES = 4;

/** So much of a part's lines is to be kept, of a form whose names may have so many bytes. */
export function headerBytes(nameBytes: number): number {
  return HEADER_BYTES + nameBytes;
}

/** Throws Refusal: 413 for too long a name, 400 for what is no part of a form. `lines` may have been cut. */
export function partHead(lines: HeaderLines, nameBytes: number): PartHead {
  const { count, bytes } = extent(lines);
  const [type, parameters] = disposition(lines["content-disposition"]?.[0] ?? "");
  const name = parameters.get("name");
  if (name !== undefined && Buffer.byteLength(name) > nameBytes) {
    throw beyond("nameBytes", `has a field whose name is longer than ${nameBytes} bytes`);
  }
  if (count > HEADER_LINES) throw malformed(`a part of it has more than ${HEADER_LINES} header lines`);
  const most = headerBytes(nameBytes);
  if (bytes >= most) throw malformed(`a part of it has more than ${most} bytes of header lines`);
  if (type === "") throw malformed("a part of it has no Content-Disposition");
  if (type !== "form-data") throw malformed("a part of it has a Content-Disposition that is not form-data");
  if (name === undefined) throw malformed("a part of it has no name");
  const filename = parameters.get("filename");
  return {
    name: unescapeName(name),
    filename: filename === undefined ? undefined : safeFilename(unescapeName(filename)),
    type: lines["content-type"]?.[0]?.split(";", 1)[0]?.trim().toLowerCase() || "text/plain",
  };
}

/** Of all lines; `bytes` with room for what stood around them, so that lines which were cut never seem whole. */
function extent(lines: HeaderLines): { count: number; bytes: number } {
  let count = 0;
  let bytes = 0;
  for (const [name, values] of Object.entries(lines)) {
    count += values.length;
    for (const value of values) bytes += name.length + AROUND_BYTES + value.length;
  }
  return { count, bytes };
}

/** `;name="a value"`, `;name=token`. In quotes only `\"` and `\\` are escapes: old browsers send `C:\folder\file`. */
const PARAMETER = /;[ \t]*([^=;"\s]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)|([^;]*))/g;

/** Its type, and its parameters by their names in lower case; of two with one name the last. */
function disposition(value: string): [string, ReadonlyMap<string, string>] {
  const parameters = new Map<string, string>();
  for (const [, key = "", quoted, token = ""] of value.matchAll(PARAMETER)) {
    const text = quoted === undefined ? token.trim() : quoted.replace(/\\(["\\])/g, "$1");
    // Senders must not write `filename*`, and do.
    if (key.endsWith("*")) parameters.set(key.slice(0, -1).toLowerCase(), extended(text));
    else parameters.set(key.toLowerCase(), Buffer.from(text, "latin1").toString("utf8"));
  }
  return [value.split(";", 1)[0]?.trim().toLowerCase() ?? "", parameters];
}

/** `UTF-8'en'%e2%82%ac` [RFC 8187 §3.2]. */
function extended(value: string): string {
  const [, charset = "", text = value] = /^([^']*)'[^']*'(.*)$/s.exec(value) ?? [];
  const bytes = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString(/^iso-8859-1$/i.test(charset) ? "latin1" : "utf8");
}

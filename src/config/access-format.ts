// The format of a line of the access log: php-fpm's codes, and a few of our own. Here is what may be
// written; src/pool/access-line.ts fills it in.

import { TIME_CONVERSIONS, unknownConversion } from "../base/strftime.ts";

/** The word for lines of JSON instead of a format. */
export const JSON_LINES = "json";

/** What stands in braces behind the percent sign. */
export type Braces =
  | { readonly kind: "none" }
  | { readonly kind: "choice"; readonly values: readonly string[] }
  /** Needed: any name. */
  | { readonly kind: "name"; readonly what: string }
  /** A format of strftime(3). */
  | { readonly kind: "time" };

export interface AccessCode {
  readonly doc: string;
  readonly braces: Braces;
}

const none: Braces = { kind: "none" };
const choice = (...values: readonly [string, ...string[]]): Braces => ({ kind: "choice", values });
const name = (what: string): Braces => ({ kind: "name", what });
const time: Braces = { kind: "time" };

const SECONDS = ["seconds"] as const;
const MILLIS = ["milliseconds", "milli", "mili"] as const;
const MICROS = ["microseconds", "micro"] as const;

/** Every code; the first value of a choice is what the code means without braces. */
export const ACCESS_CODES = {
  R: { braces: none, doc: "address of the client (REMOTE_ADDR)" },
  u: { braces: none, doc: "user that the web server authenticated (REMOTE_USER)" },
  t: { braces: time, doc: "when the request came, as strftime(3) writes it" },
  T: { braces: time, doc: "when the line was written, as strftime(3) writes it" },
  m: { braces: none, doc: "request method" },
  r: { braces: none, doc: "path of the URL, without the query" },
  Q: { braces: none, doc: "`?` if there is a query, else nothing" },
  q: { braces: none, doc: "query of the URL" },
  s: {
    braces: none,
    doc: "status of the reply; 499 if the client left before there was one",
  },
  b: { braces: none, doc: "bytes of the reply's body that were handed to the web server" },
  d: {
    braces: choice(...SECONDS, ...MILLIS, ...MICROS),
    doc: "how long the request took, from its last parameter to the reply's last byte",
  },
  W: {
    braces: choice(...SECONDS, ...MILLIS, ...MICROS),
    doc: "how much of that it waited for a worker",
  },
  l: { braces: none, doc: "length of the request's body (CONTENT_LENGTH), 0 without one" },
  f: { braces: none, doc: "file that the web server mapped the request to (SCRIPT_FILENAME)" },
  I: { braces: none, doc: "id of the request (UNIQUE_ID), as in the log" },
  X: { braces: none, doc: "`X` if the reply was cut or the client left, else `-`" },
  e: { braces: name("VARIABLE"), doc: "a variable that the web server sent" },
  o: { braces: name("HEADER"), doc: "a header of the reply" },
  n: { braces: none, doc: "name of the pool" },
  p: { braces: none, doc: "process id of the pool process" },
  P: { braces: none, doc: "process id of the supervisor" },
  M: {
    braces: choice("bytes", "kilobytes", "kilo", "megabytes", "mega"),
    doc: "resident memory of the pool process, at most a second old; php-fpm's is that of the request",
  },
  C: {
    braces: choice("total", "user", "system"),
    doc: "CPU that the pool process used in the last second, percent; php-fpm's is that of the request",
  },
} as const satisfies Readonly<Record<string, AccessCode>>;

export type AccessCodeName = keyof typeof ACCESS_CODES;

/** A format, taken apart. */
export type AccessPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly code: AccessCodeName; readonly argument: string | undefined };

/** As Apache writes `%t`, without the brackets. */
export const ACCESS_TIME = "%d/%b/%Y:%H:%M:%S %z";

export interface FormatMistake {
  readonly message: string;
  readonly hint?: string;
}

/** Takes `format` apart, or says what is wrong with it and where. */
export function parseAccessFormat(format: string): readonly AccessPart[] | FormatMistake {
  const parts: AccessPart[] = [];
  let text = "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
  const control = format.search(/[\0-\x08\x0a-\x1f\x7f]/);
  if (control !== -1) return { message: `holds a control character at ${control + 1}`, hint: "a line is one line" };
  for (let at = 0; at < format.length; ) {
    const percent = format.indexOf("%", at);
    text += format.slice(at, percent === -1 ? undefined : percent);
    if (percent === -1) break;
    const match = /^%(?:\{([^}]*)\})?(.?)(?:\{([^}]*)\})?/su.exec(format.slice(percent)) ?? [""];
    const [, before, code = "", after] = match;
    if (code === "%" && before === undefined) {
      text += "%";
      at = percent + 2;
      continue;
    }
    const where = `at character ${percent + 1}`;
    const argument = before ?? after;
    const mistake =
      before !== undefined && after !== undefined
        ? { message: `%${code} has two pairs of braces ${where}` }
        : mistakeOf(code, argument, where);
    if (mistake !== undefined) return mistake;
    if (text !== "") parts.push({ kind: "text", text });
    text = "";
    parts.push({ kind: "code", code: code as AccessCodeName, argument });
    at = percent + match[0].length;
  }
  if (text !== "") parts.push({ kind: "text", text });
  return parts;
}

function mistakeOf(code: string, argument: string | undefined, where: string): FormatMistake | undefined {
  if (code === "") return { message: `a % stands alone ${where}`, hint: "write %% for a percent sign" };
  if (!Object.hasOwn(ACCESS_CODES, code)) {
    return { message: `unknown code %${code} ${where}`, hint: `codes: ${Object.keys(ACCESS_CODES).join(" ")}` };
  }
  const { braces }: AccessCode = ACCESS_CODES[code as AccessCodeName];
  switch (braces.kind) {
    case "none":
      return argument === undefined ? undefined : { message: `%${code} takes nothing in braces ${where}` };
    case "choice":
      if (argument === undefined || braces.values.includes(argument)) return undefined;
      return {
        message: `%${code} takes no {${argument}} ${where}`,
        hint: `one of ${braces.values.map((value) => `{${value}}`).join(" ")}`,
      };
    case "name":
      if (argument !== undefined && /^[!-z|~]+$/.test(argument)) return undefined;
      return { message: `%${code} needs a name in braces ${where}`, hint: `write %{${braces.what}}${code}` };
    case "time": {
      const unknown = argument === undefined ? undefined : unknownConversion(argument);
      if (unknown === undefined) return undefined;
      return {
        message: `${unknown} in %${code} ${where} is no conversion of times that is known`,
        hint: `known: ${TIME_CONVERSIONS.join(" ")}`,
      };
    }
  }
}

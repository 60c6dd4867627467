// The fields of a request, by name: those of the query, and those of a form or of a JSON object, which
// take the place of the query's of the same name.

import { Fault } from "../../src/base/fault.ts";
import { readWithin } from "../forms/limits.ts";
import { readerOf } from "../request.ts";

/** What is given for one name, in order; at least one. */
type Values = readonly (string | File)[];

export interface Gathered {
  /** Of the query, and of a form. */
  readonly fields: ReadonlyMap<string, Values>;
  /** The body, if it was JSON. */
  readonly json: { readonly value: unknown } | undefined;
}

const FORMS = new Set(["application/x-www-form-urlencoded", "multipart/form-data"]);
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json$/;

/** Would become the prototype of what a careless library copies it into; no form of anybody has it. */
const PROTO = "__proto__";

export interface Taking {
  /** Otherwise a body of JSON is refused, and not read. */
  readonly takesJson: boolean;
  /** Most of a body that is JSON: as of a form, because parsed it takes many times as much. */
  readonly memoryBytes: number;
}

const decoder = new TextDecoder();

/** Rejects with Fault REQUEST for a body that cannot be read, and of a type that nobody can take apart; with LIMIT for too much. */
export async function gather(request: Request, { takesJson, memoryBytes }: Taking): Promise<Gathered> {
  const fields = new Map<string, (string | File)[]>();
  const query = request.url.includes("?") ? new URL(request.url).searchParams : [];
  collect(fields, query);
  if (request.method === "GET" || request.method === "HEAD") return { fields, json: undefined };
  const type = contentType(request);
  if (type === undefined) return { fields, json: undefined };
  if (FORMS.has(type)) {
    const form = new Map<string, (string | File)[]>();
    collect(form, await formOf(request));
    for (const [name, values] of form) fields.set(name, values);
    return { fields, json: undefined };
  }
  if (JSON_TYPE.test(type)) {
    if (!takesJson) throw unreadable("this function takes no JSON");
    const text = decoder.decode(await readWithin(readerOf(request), memoryBytes));
    return { fields, json: { value: parseJson(text) } };
  }
  throw new Fault("REQUEST", `a published function cannot take a body of type ${type}`, {
    status: 415,
    hint: "Send a form or JSON.",
  });
}

function collect(into: Map<string, (string | File)[]>, pairs: Iterable<readonly [string, string | File]>): void {
  for (const [name, value] of pairs) {
    if (name === PROTO) throw unreadable("it has a field named __proto__");
    const values = into.get(name);
    if (values === undefined) into.set(name, [value]);
    else values.push(value);
  }
}

async function formOf(request: Request): Promise<FormData> {
  try {
    return await request.formData();
  } catch (error) {
    if (error instanceof TypeError) throw unreadable(error.message, error);
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    // A name may be written with escapes; only then, and where it stands, is every name looked at.
    if (!/__proto__|\\u/i.test(text)) return JSON.parse(text);
    return JSON.parse(text, (name, value: unknown) => {
      if (name === PROTO) throw new SyntaxError("it has a field named __proto__");
      return value;
    });
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : "it is no JSON", error);
  }
}

function contentType(request: Request): string | undefined {
  const type = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  return type === "" ? undefined : type;
}

export function unreadable(why: string, cause?: unknown): Fault {
  return new Fault("REQUEST", `the body or the query cannot be read: ${why}`, { cause });
}

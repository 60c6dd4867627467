// Fields → the input of a function: strings by name, or what the author's schema makes of them.

import type { StandardIssue, StandardSchema } from "../../src/app/standard-schema.ts";
import { type Gathered, gather } from "./fields.ts";
import { invalid } from "./invalid.ts";

/** The input, or the Response that says what is wrong with it. Rejects with Fault REQUEST, and with what the schema threw. */
export async function inputOf(
  request: Request,
  schema: StandardSchema | undefined,
  memoryBytes: number,
): Promise<{ readonly value: unknown } | Response> {
  const gathered = await gather(request, { takesJson: schema !== undefined, memoryBytes });
  if (schema === undefined) return { value: strings(gathered) };
  const result = await validate(schema, gathered);
  return "issues" in result ? invalid(request, result.issues) : result;
}

/** Without a schema: of each name its last string. */
function strings({ fields }: Gathered): Readonly<Record<string, string>> {
  const input = Object.create(null) as Record<string, string>;
  for (const [name, values] of fields) {
    const last = values.at(-1);
    if (typeof last === "string") input[name] = last;
  }
  return Object.freeze(input);
}

type Validated = { readonly value: unknown } | { readonly issues: readonly StandardIssue[] };

/**
 * A name that came once is one value, a name that came several times an array. Whether the schema wants an
 * array cannot be seen from outside: where it refuses the one value, an array of it is tried.
 */
async function validate(schema: StandardSchema, { fields, json }: Gathered): Promise<Validated> {
  if (json !== undefined && !isObject(json.value)) return run(schema, json.value);
  const input = Object.create(null) as Record<string, unknown>;
  const single = new Set<string>();
  for (const [name, values] of fields) {
    input[name] = values.length === 1 ? values[0] : values;
    if (values.length === 1) single.add(name);
  }
  for (const [name, value] of Object.entries(json?.value ?? {})) {
    input[name] = value;
    single.delete(name);
  }
  const first = await run(schema, input);
  if (!("issues" in first)) return first;
  const suspects = first.issues.map(nameOf).filter((name) => name !== undefined && single.has(name)) as string[];
  if (suspects.length === 0) return first;
  const again = Object.assign(Object.create(null), input) as Record<string, unknown>;
  for (const name of suspects) again[name] = [input[name]];
  const second = await run(schema, again);
  if (!("issues" in second)) return second;
  // Who takes the array, or complains about what is in it, wanted one; of the others the first complaint is the true one.
  const wanted = new Set(suspects);
  for (const issue of second.issues) if (nameOf(issue) !== undefined) wanted.delete(firstOf(issue) ?? "");
  return {
    issues: [
      ...first.issues.filter((issue) => !wanted.has(firstOf(issue) ?? "")),
      ...second.issues.filter((issue) => wanted.has(firstOf(issue) ?? "")),
    ],
  };
}

async function run(schema: StandardSchema, input: unknown): Promise<Validated> {
  const { validate: check } = schema["~standard"];
  const result = await Reflect.apply(check, schema["~standard"], [input]);
  return result.issues === undefined ? { value: result.value } : { issues: result.issues };
}

/** The name of the field that an issue is about as a whole. */
function nameOf(issue: StandardIssue): string | undefined {
  return issue.path?.length === 1 ? firstOf(issue) : undefined;
}

function firstOf({ path }: StandardIssue): string | undefined {
  const first = path?.[0];
  return first === undefined ? undefined : String(typeof first === "object" ? first.key : first);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

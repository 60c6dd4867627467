// A table as written → its values under our names. Goes on after a mistake, so that all are found;
// what is wrong or missing is then absent from the result.

import type { z } from "zod";
import type { KeyPath } from "./mistake.ts";
import { nearest } from "./nearest.ts";
import type { AnyEntry, Shape, Values } from "./table.ts";

/** Called for each mistake; `path` begins at the table that was given. */
export type Report = (path: KeyPath, message: string, hint?: string) => void;

/** Values that were right; complete when nothing was reported. */
export type PartialValues<S extends Shape> = Partial<Values<S>>;

export function readTable<S extends Shape>(shape: S, written: unknown, report: Report): PartialValues<S> {
  const values: Record<string, unknown> = {};
  if (!isTable(written)) {
    report([], "expected a table");
    return values as PartialValues<S>;
  }
  refuseUnknown(Object.keys(written), Object.keys(shape), report);
  for (const [key, entry] of Object.entries(shape)) {
    const below: Report = (path, message, hint) => report([key, ...path], message, hint);
    const value = readEntry(entry, Object.hasOwn(written, key) ? written[key] : undefined, below);
    if (value !== undefined) values[entry.as] = value;
  }
  return values as PartialValues<S>;
}

export function refuseUnknown(names: readonly string[], known: readonly string[], report: Report): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    report([name], "there is no such option", meant === undefined ? undefined : `did you mean ${meant}?`);
  }
}

export function isTable(written: unknown): written is Readonly<Record<string, unknown>> {
  return typeof written === "object" && written !== null && !Array.isArray(written) && !(written instanceof Date);
}

function readEntry(entry: AnyEntry, written: unknown, report: Report): unknown {
  if (entry.entry === "group") return readTable(entry.shape, written ?? {}, report);
  const effective = written ?? (entry.entry === "option" ? entry.default : undefined);
  if (effective === undefined) {
    if (entry.entry === "option") report([], "is missing", `such as ${JSON.stringify(entry.example)}`);
    return undefined;
  }
  const result = entry.kind.schema.safeParse(effective);
  if (result.success) return result.data;
  for (const issue of result.error.issues) reportIssue(issue, written, report);
  return undefined;
}

function isInside(issue: z.core.$ZodIssue): boolean {
  return issue.path.length > 0 || issue.code === "unrecognized_keys";
}

function reportIssue(issue: z.core.$ZodIssue, written: unknown, report: Report): void {
  const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
  if (issue.code === "invalid_value") {
    const choices = issue.values.map(String);
    const meant = typeof written === "string" ? nearest(written, choices) : undefined;
    const message = `must be one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}`;
    report(path, message, meant === undefined ? undefined : `did you mean "${meant}"?`);
    return;
  }
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) report([...path, key], "there is no such option");
    return;
  }
  if (issue.code === "invalid_union") {
    // Of several forms that a value may have, the one that its writer meant has its mistakes inside.
    const meant = issue.errors.find((issues) => issues.some(isInside));
    if (meant !== undefined) {
      for (const inner of meant) reportIssue({ ...inner, path: [...issue.path, ...inner.path] }, undefined, report);
      return;
    }
  }
  const hint: unknown = issue.code === "custom" ? issue.params?.hint : undefined;
  report(path, issue.message, typeof hint === "string" ? hint : undefined);
}

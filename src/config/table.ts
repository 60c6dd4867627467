// The language that schema.ts is written in: a table of options, each declared once, from which the
// types, the checks, the sample file, the reference page and the JSON Schema are derived.

import { z } from "zod";
import type { Kind } from "./kinds.ts";

/** A value as TOML can write it. */
export type Written = string | number | boolean | readonly Written[] | { readonly [name: string]: Written };

interface Entry<As extends string> {
  /** The name in our code, with its unit: `timeout` becomes `timeoutMs`. */
  readonly as: As;
  readonly doc: string;
}

/** Has a default, or must be given. */
export interface Option<As extends string, T> extends Entry<As> {
  readonly entry: "option";
  readonly kind: Kind<T>;
  /** undefined: must be given. */
  readonly default: Written | undefined;
  /** What the sample file shows where there is no default. */
  readonly example?: Written;
}

/** May be left out, and is then absent. */
export interface Optional<As extends string, T> extends Entry<As> {
  readonly entry: "optional";
  readonly kind: Kind<T>;
  readonly example: Written;
}

export interface Group<As extends string, S extends Shape> extends Entry<As> {
  readonly entry: "group";
  readonly shape: S;
}

export type AnyEntry = Option<string, unknown> | Optional<string, unknown> | Group<string, Shape>;
export interface Shape {
  readonly [key: string]: AnyEntry;
}

type ValueOf<E> =
  E extends Option<string, infer T>
    ? T
    : E extends Optional<string, infer T>
      ? T
      : E extends Group<string, infer S>
        ? Values<S>
        : never;
type Flat<T> = { readonly [K in keyof T]: T[K] };

/** The values of a table under their names in our code. */
export type Values<S extends Shape> = Flat<
  { [K in keyof S as S[K] extends { entry: "optional" } ? never : S[K]["as"]]: ValueOf<S[K]> } & {
    [K in keyof S as S[K] extends { entry: "optional" } ? S[K]["as"] : never]?: ValueOf<S[K]>;
  }
>;

/** The same table as its author writes it. */
export type WrittenTable<S extends Shape> = {
  readonly [K in keyof S]?: (S[K] extends Group<string, infer G> ? WrittenTable<G> : Written) | undefined;
};

export function option<const As extends string, T>(
  as: As,
  kind: Kind<T>,
  rest: { readonly default: Written; readonly doc: string },
): Option<As, T> {
  return { entry: "option", as, kind, ...rest };
}

export function required<const As extends string, T>(
  as: As,
  kind: Kind<T>,
  rest: { readonly example: Written; readonly doc: string },
): Option<As, T> {
  return { entry: "option", as, kind, default: undefined, ...rest };
}

export function optional<const As extends string, T>(
  as: As,
  kind: Kind<T>,
  rest: { readonly example: Written; readonly doc: string },
): Optional<As, T> {
  return { entry: "optional", as, kind, ...rest };
}

export function group<const As extends string, S extends Shape>(as: As, doc: string, shape: S): Group<As, S> {
  return { entry: "group", as, doc, shape };
}

/** The table as one zod object of what may be written, for the JSON Schema. */
export function toZod(shape: Shape): z.ZodType {
  return z.strictObject(
    Object.fromEntries(
      Object.entries(shape).map(([key, entry]) => [key, fieldOf(entry).meta({ description: entry.doc })]),
    ),
  );
}

function fieldOf(entry: AnyEntry): z.ZodType {
  switch (entry.entry) {
    case "group":
      return toZod(entry.shape).optional();
    case "optional":
      return entry.kind.schema.optional();
    case "option":
      return entry.default === undefined ? entry.kind.schema : entry.kind.schema.prefault(entry.default);
  }
}

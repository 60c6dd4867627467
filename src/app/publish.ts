// Functions as URLs, as mod_python's publisher had them. `publish` takes what is to be reachable and makes
// a table of it when the module loads: a request finds what stands in the table, and never looks into an
// object, a module or a prototype.

import { types } from "node:util";
import { type Credentials, unauthorized } from "./basic-auth.ts";
import type { Context } from "./context.ts";
import type { MiddlewareContext } from "./middleware.ts";
import { TABLE } from "./publish-table.ts";
import type { OutputOf, StandardSchema } from "./standard-schema.ts";

/** As TABLE: known to every copy. */
const DEFINITION: unique symbol = Symbol.for("holdfast.published.1") as never;

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
/** A method by which a function may be called. */
export type PublishedMethod = (typeof METHODS)[number];

/** The fields of the request: of the query, or of a form. No prototype. Of a name that came twice, the last. */
export type Fields = Readonly<Record<string, string>>;

/** Who may come in. Asked for every level of a path from the outside in, `auth` before `access`. */
// biome-ignore lint/suspicious/noExplicitAny: as in Context
export interface PublishHooks<User = any> {
  /** Shown by the browser when it asks for name and password; it holds for what is inside, too. Default "Restricted". */
  readonly realm?: string;
  /** The user, `true` for the name itself; undefined, null, false and other falsy values are 401. Becomes `ctx.user`. */
  auth?(
    credentials: Credentials,
    ctx: MiddlewareContext,
  ): User | boolean | undefined | null | Promise<User | boolean | undefined | null>;
  /** Anything but `true` is 403. */
  access?(request: Request, ctx: MiddlewareContext): boolean | Promise<boolean>;
}

/** `ctx` has the state that the module's `init` returned. */
export type PublishedHandler<Input> = (input: Input, ctx: Context, request: Request) => unknown;

/** How a function is called, and by whom. */
export interface PublishedOptions extends PublishHooks {
  /** Default `["GET"]`. HEAD comes with GET; OPTIONS is answered. */
  readonly methods?: readonly PublishedMethod[];
}

/** A function with its methods, its input and who may call it. */
export interface PublishedFunction {
  readonly [DEFINITION]: PublishedOptions & {
    readonly input?: StandardSchema;
    // biome-ignore lint/suspicious/noExplicitAny: each has the input that its schema makes
    handler(input: any, ctx: Context, request: Request): unknown;
  };
}

/** What may be published: functions, texts and data, and objects of them. Names that begin with `_` are private. */
export type Publishable =
  | PublishedHandler<Fields>
  | PublishedFunction
  | Publication
  | string
  | number
  | bigint
  | boolean
  | readonly unknown[]
  | { readonly [name: string]: Publishable };

/** What `publish` makes: a module's default export, or a part of another one. */
export interface Publication {
  readonly [TABLE]: FolderEntry;
}

export interface FolderEntry {
  readonly kind: "folder";
  readonly entries: ReadonlyMap<string, Entry>;
  readonly hooks: PublishHooks;
}

export interface FunctionEntry {
  readonly kind: "function";
  readonly methods: readonly PublishedMethod[];
  readonly input: StandardSchema | undefined;
  call(input: unknown, ctx: Context, request: Request): unknown;
  readonly hooks: PublishHooks;
}

export interface ValueEntry {
  readonly kind: "value";
  readonly value: unknown;
}

export type Entry = FolderEntry | FunctionEntry | ValueEntry;

const NO_HOOKS: PublishHooks = Object.freeze({});

/**
 * A function that says what it takes. With `input`, a schema of any library that speaks Standard Schema,
 * the handler gets what the schema makes of the fields or the JSON body, and what does not fit is 400;
 * without, it gets the fields as strings. Throws TypeError for methods and schemas that are none.
 */
export function published<const Schema extends StandardSchema>(
  definition: PublishedOptions & { readonly input: Schema; readonly handler: PublishedHandler<OutputOf<Schema>> },
): PublishedFunction;
export function published(
  definition: PublishedOptions & { readonly handler: PublishedHandler<Fields> },
): PublishedFunction;
export function published(definition: PublishedFunction[typeof DEFINITION]): PublishedFunction {
  const { methods = ["GET"], input, handler } = definition;
  checkHooks("published()", definition, ["methods", "input", "handler"]);
  if (typeof handler !== "function") throw new TypeError("published() needs a handler that is a function");
  const unknown = methods.find((method) => !METHODS.includes(method));
  if (unknown !== undefined || methods.length === 0) {
    throw new TypeError(`published(): methods are some of ${METHODS.join(", ")}`);
  }
  if (input !== undefined && typeof input?.["~standard"]?.validate !== "function") {
    throw new TypeError("published(): input is no Standard Schema; schemas of zod 3.24, Valibot 1 and ArkType 2 are");
  }
  return Object.freeze({ [DEFINITION]: Object.freeze({ ...definition }) });
}

/**
 * Makes functions, texts and data reachable by URL, and nothing else: the own enumerable properties of the
 * object and of the plain objects in it, as they are now. Throws TypeError for what cannot be meant:
 * modules, classes, instances, getters, and hooks that are none.
 */
export function publish(tree: { readonly [name: string]: Publishable }, hooks: PublishHooks = NO_HOOKS): Publication {
  requirePlain(tree, "");
  checkHooks("publish()", hooks, []);
  return Object.freeze({ [TABLE]: folderOf(tree, hooks, "", []) });
}

/** A misspelt `acess` would let everybody in. */
function checkHooks(where: string, hooks: PublishHooks, others: readonly string[]): void {
  for (const [name, value] of Object.entries(hooks)) {
    if (name === "realm") unauthorized(String(value));
    else if (name === "auth" || name === "access") {
      if (value !== undefined && typeof value !== "function") throw new TypeError(`${where}: ${name} is no function`);
    } else if (!others.includes(name)) {
      throw new TypeError(`${where} knows no "${name}"; it takes ${["realm", "auth", "access", ...others].join(", ")}`);
    }
  }
}

function folderOf(tree: object, hooks: PublishHooks, path: string, around: readonly object[]): FolderEntry {
  if (around.includes(tree)) throw refused(path, "contains itself");
  const entries = new Map<string, Entry>();
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(tree))) {
    if (descriptor.enumerable !== true || name.startsWith("_")) continue;
    const at = path === "" ? name : `${path}.${name}`;
    if (!isReachable(name)) throw refused(at, "has a name that no URL can have: no slashes, no dot at the beginning");
    if (!Object.hasOwn(descriptor, "value")) throw refused(at, "is a getter or setter; give the value, or a function");
    entries.set(name, entryOf(descriptor.value, tree, at, [...around, tree]));
  }
  return { kind: "folder", entries, hooks };
}

function entryOf(value: unknown, holder: object, path: string, around: readonly object[]): Entry {
  if (typeof value === "function") return functionOf(value, holder, path);
  if (["string", "number", "bigint", "boolean"].includes(typeof value) || Array.isArray(value)) {
    return { kind: "value", value };
  }
  if (typeof value !== "object" || value === null) throw refused(path, `is ${String(value)}`);
  if (Object.hasOwn(value, TABLE)) return (value as Publication)[TABLE];
  if (Object.hasOwn(value, DEFINITION)) {
    const definition = (value as PublishedFunction)[DEFINITION];
    const { methods = ["GET"], input, handler } = definition;
    return { kind: "function", methods, input, call: (...args) => handler.apply(definition, args), hooks: definition };
  }
  requirePlain(value, path);
  return folderOf(value, NO_HOOKS, path, around);
}

function requirePlain(value: object, path: string): void {
  if (types.isModuleNamespaceObject(value)) throw refused(path, "is a whole module; list what is meant of it");
  const prototype: unknown = Object.getPrototypeOf(value);
  if (typeof value !== "object" || (prototype !== Object.prototype && prototype !== null)) {
    throw refused(path, "is no plain object; list what is meant: { add: (fields) => cart.add(fields) }");
  }
}

function functionOf(value: object, holder: object, path: string): FunctionEntry {
  if (/^class\b/.test(Function.prototype.toString.call(value))) throw refused(path, "is a class");
  return {
    kind: "function",
    methods: ["GET"],
    input: undefined,
    call: (...args) => Reflect.apply(value as PublishedHandler<unknown>, holder, args),
    hooks: NO_HOOKS,
  };
}

function isReachable(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
  return name !== "" && !name.startsWith(".") && !/[/\\\0-\x1f\x7f]/.test(name) && name !== "node_modules";
}

function refused(path: string, why: string): TypeError {
  return new TypeError(`publish(): ${path === "" ? "what is given" : path} ${why}`);
}

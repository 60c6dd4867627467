// A module, whatever it is. What it exports decides everything; nothing is guessed from a function's
// name or arity, because `(request, ctx)` and `(req, res)` look the same from outside.

import type { Context, InitContext } from "../../src/app/context.ts";
import { Fault } from "../../src/base/fault.ts";
import type { Role } from "../exchange.ts";
import { declaredShape, NODE_SHAPES, type NodeShape, nodeShape } from "../node/shapes.ts";
import type { Program } from "../program.ts";
import type { App } from "./app.ts";
import type { ModuleExports } from "./index.ts";
import { PROTOCOL_MARKER, serverProtocolHandle } from "./server-context.ts";

/** Bound to the object it was found on. */
type Handle = (request: Request, ctx: Context, executionCtx: Context) => unknown;

/** In the order in which `Allow` lists them. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const WEB_HANDLERS =
  "an object or class instance with `fetch` or a function as default export, or exports named fetch, GET, POST, …, authorize, filter";

/**
 * Web-standard handlers first, then what speaks Node's language, then a bare function, then a program that
 * listens. Rejects with Fault BOOT where it is none of these, and with what `init` threw.
 */
export async function moduleApp(exports: ModuleExports, init: InitContext, program?: Program): Promise<App> {
  const scope = new Exports(init.file, exports);
  if (scope.declared() !== undefined) return webApp(scope, init);
  const shape = scope.nodeShape();
  if (shape !== undefined) return startNodeApp(shape, scope, init);
  if (scope.responder() !== undefined || scope.hasRole()) return webApp(scope, init);
  const server = await program?.listening();
  if (server !== undefined) return startNodeApp({ kind: "server", server }, scope, init);
  throw noHandler(init.file, exports, `${WEB_HANDLERS}; or ${NODE_SHAPES}; or call listen() of an http.Server`);
}

/** Web-standard handlers and nothing else. */
export async function fetchApp(exports: ModuleExports, init: InitContext): Promise<App> {
  const scope = new Exports(init.file, exports);
  if (scope.responder() === undefined && !scope.hasRole()) throw noHandler(init.file, exports, WEB_HANDLERS);
  return webApp(scope, init);
}

/** What speaks Node's language and nothing else: a default function is a `(req, res)` listener. */
export async function nodeModuleApp(exports: ModuleExports, init: InitContext, program?: Program): Promise<App> {
  const scope = new Exports(init.file, exports);
  const shape = scope.nodeShape() ?? scope.declaredShape();
  if (shape !== undefined) return startNodeApp(shape, scope, init);
  const server = await program?.listening();
  if (server !== undefined) return startNodeApp({ kind: "server", server }, scope, init);
  throw noHandler(init.file, exports, `a (req, res) function as default export, ${NODE_SHAPES}; or call listen()`);
}

async function startNodeApp(shape: NodeShape, scope: Exports, init: InitContext): Promise<App> {
  // Loaded with the first app that needs it: with it comes node:http.
  const { nodeApp } = await import("../node/app.ts");
  // Frameworks have methods of these names that mean something else.
  const dispose = scope.named("dispose");
  return nodeApp(shape, init, { init: scope.named("init"), dispose: dispose ?? disposeState });
}

async function webApp(scope: Exports, init: InitContext): Promise<App> {
  const { file } = init;
  const responder = scope.responder();
  const authorizer = scope.method("authorize") ?? responder;
  const filter = scope.method("filter") ?? responder;
  const byRole: Readonly<Record<Role, Handle | undefined>> = { responder, authorizer, filter };
  const state: unknown = await scope.method("init")?.(init);
  return {
    file,
    state,
    respond(role, request, ctx) {
      const handle = byRole[role];
      if (handle === undefined) throw new Fault("HANDLER", `${file} exports no handler for the role of ${role}`);
      return handle(request, ctx, ctx);
    },
    async dispose() {
      const dispose = scope.method("dispose");
      if (dispose !== undefined) await dispose(state);
      else await disposeState(state);
    },
  };
}

// biome-ignore lint/complexity/noBannedTypes: any function that an author may export
type AnyFunction = Function;

/** Looks in the default export first, then among the named ones. */
class Exports {
  readonly #file: string;
  readonly #named: ModuleExports;
  readonly #default: unknown;

  constructor(file: string, exports: ModuleExports) {
    this.#file = file;
    this.#named = exports;
    this.#default = defaultOf(exports);
  }

  responder(): Handle | undefined {
    return this.declared() ?? this.#defaultFunction();
  }

  /** Says of itself that it is web-standard. */
  declared(): Handle | undefined {
    return this.#serverProtocol() ?? this.method("fetch") ?? this.#byMethod();
  }

  /** Whether it answers one of FastCGI's other roles. */
  hasRole(): boolean {
    return this.method("authorize") !== undefined || this.method("filter") !== undefined;
  }

  /** The default export's, or that of what is exported as `node`. */
  nodeShape(): NodeShape | undefined {
    return nodeShape(this.#default) ?? declaredShape(read(this.#default, "node") ?? read(this.#named, "node"));
  }

  /** The default export's, where its author has said that it speaks Node's language. */
  declaredShape(): NodeShape | undefined {
    return declaredShape(this.#default);
  }

  named(name: string): ((...args: unknown[]) => unknown) | undefined {
    const found = read(this.#named, name);
    return typeof found === "function" ? (found as (...args: unknown[]) => unknown) : undefined;
  }

  /** The function of that name, called as a method of the object that has it. */
  method(name: string): ((...args: unknown[]) => unknown) | undefined {
    for (const holder of [this.#default, this.#named]) {
      const found = read(holder, name);
      if (typeof found === "function") return (...args) => Reflect.apply(found as AnyFunction, holder, args);
    }
    return undefined;
  }

  #serverProtocol(): Handle | undefined {
    const fetch = this.method("fetch");
    if (fetch === undefined || read(this.#default, PROTOCOL_MARKER) !== 1) return undefined;
    return serverProtocolHandle(fetch, this.method("error"));
  }

  #defaultFunction(): Handle | undefined {
    const exported = this.#default;
    if (typeof exported !== "function") return undefined;
    if (isClass(exported)) {
      throw new Fault("BOOT", `${this.#file} exports a class`, {
        hint: "Export an instance: export default new App();",
      });
    }
    return (request, ctx, executionCtx) =>
      Reflect.apply(exported as AnyFunction, undefined, [request, ctx, executionCtx]);
  }

  /** [RFC 9110 §9.3.2, §9.3.7, §15.5.6] */
  #byMethod(): Handle | undefined {
    const handles = new Map<string, Handle>();
    for (const name of METHODS) {
      const handle = this.method(name);
      if (handle !== undefined) handles.set(name, handle);
    }
    if (handles.size === 0) return undefined;
    const get = handles.get("GET");
    if (get !== undefined && !handles.has("HEAD")) handles.set("HEAD", get);
    const allow = METHODS.filter((name) => handles.has(name) || name === "OPTIONS").join(", ");
    return (request, ctx, executionCtx) => {
      const handle = handles.get(request.method);
      if (handle !== undefined) return handle(request, ctx, executionCtx);
      if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
      return new Response("Method Not Allowed\n", { status: 405, headers: { allow } });
    };
  }
}

export function isClass(value: AnyFunction): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

/** A CommonJS module that was compiled from ES syntax keeps its default export one level down. */
export function defaultOf(exports: ModuleExports): unknown {
  const outer = exports.default;
  return read(outer, "__esModule") === true ? read(outer, "default") : outer;
}

function read(holder: unknown, name: PropertyKey): unknown {
  if ((typeof holder !== "object" && typeof holder !== "function") || holder === null) return undefined;
  return Reflect.get(holder, name);
}

export async function disposeState(state: unknown): Promise<void> {
  const dispose = read(state, Symbol.asyncDispose) ?? read(state, Symbol.dispose);
  if (typeof dispose === "function") await Reflect.apply(dispose as AnyFunction, state, []);
}

function noHandler(file: string, exports: ModuleExports, lookedFor: string): Fault {
  const names = Object.keys(exports);
  const found = names.length === 0 ? "nothing" : names.join(", ");
  return new Fault("BOOT", `${file} exports no handler; it exports ${found}`, { hint: `Export ${lookedFor}.` });
}

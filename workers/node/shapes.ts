// What an export is that speaks Node's language: known by the methods that its framework documents,
// never by its name or arity. It loads nothing, so that a web-standard module pays nothing for it.

import type { IncomingMessage, Server, ServerResponse } from "node:http";

export type Listener = (req: IncomingMessage, res: ServerResponse) => unknown;

/** The parts of each framework that are used. */
export interface Fastify {
  ready(): PromiseLike<unknown>;
  routing(req: IncomingMessage, res: ServerResponse): unknown;
  close(): PromiseLike<unknown>;
}

export interface Nest {
  init(): Promise<unknown>;
  getHttpAdapter(): { getInstance(): unknown };
  close(): Promise<unknown>;
}

export type NodeShape =
  | { readonly kind: "listener"; readonly listener: Listener }
  | { readonly kind: "koa"; readonly app: { callback(): Listener } }
  | { readonly kind: "fastify"; readonly app: Fastify }
  | { readonly kind: "nest"; readonly app: Nest }
  | { readonly kind: "server"; readonly server: Server };

/** For a message to the author. */
export const NODE_SHAPES = "an Express, Koa, Fastify or Nest app, an http.Server, or a listener named `node`";

/** Undefined: it may be anything else; a plain function is not asked what it is. */
export function nodeShape(value: unknown): NodeShape | undefined {
  const has = (...names: readonly string[]): boolean =>
    names.every((name) => typeof Reflect.get(value as object, name) === "function");
  if (typeof value === "function") {
    return has("handle") ? { kind: "listener", listener: value as Listener } : undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (has("routing", "ready")) return { kind: "fastify", app: value as Fastify };
  if (has("getHttpAdapter", "init")) return { kind: "nest", app: value as Nest };
  if (has("callback", "use")) return { kind: "koa", app: value as { callback(): Listener } };
  const isServer = "requestTimeout" in value && has("listen", "emit") && !has("setSecureContext");
  return isServer ? { kind: "server", server: value as Server } : undefined;
}

/** A function is a listener here, because the author has said so. */
export function declaredShape(value: unknown): NodeShape | undefined {
  const shape = nodeShape(value);
  if (shape !== undefined || typeof value !== "function") return shape;
  return { kind: "listener", listener: value as Listener };
}

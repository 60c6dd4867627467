// A module whose default export is what `publish` made, as an app: URL → function, fields → its input,
// what it returns → a Response.

import type { Context, InitContext } from "../../src/app/context.ts";
import type { FolderEntry, FunctionEntry, Publication } from "../../src/app/publish.ts";
import { TABLE } from "../../src/app/publish-table.ts";
import { Fault } from "../../src/base/fault.ts";
import type { RequestContext } from "../context.ts";
import type { App } from "../kinds/app.ts";
import type { ModuleExports } from "../kinds/index.ts";
import { defaultOf, disposeState } from "../kinds/module.ts";
import { inputOf } from "./input.ts";
import { reach } from "./reach.ts";
import { toResponse } from "./result.ts";

/** Undefined for a module that publishes nothing. */
export function publicationOf(exports: ModuleExports): FolderEntry | undefined {
  const exported = defaultOf(exports);
  return typeof exported === "object" && exported !== null && Object.hasOwn(exported, TABLE)
    ? (exported as Publication)[TABLE]
    : undefined;
}

/** Rejects with Fault BOOT where nothing is published, and with what `init` threw. */
export async function publisherApp(exports: ModuleExports, init: InitContext): Promise<App> {
  const { file } = init;
  const table = publicationOf(exports);
  if (table === undefined) {
    throw new Fault("BOOT", `${file} publishes nothing`, {
      hint: "Export what URLs may reach: export default publish({ hello: ({ name }) => name.toUpperCase() });",
    });
  }
  const state: unknown = typeof exports.init === "function" ? await exports.init(init) : undefined;
  return {
    file,
    state,
    respond(role, request, ctx) {
      if (role === "responder") return answer(table, request, ctx as RequestContext & Context);
      throw new Fault("HANDLER", `${file} publishes functions; they cannot be asked in the role of ${role}`);
    },
    async dispose() {
      if (typeof exports.dispose === "function") await exports.dispose(state);
      else await disposeState(state);
    },
  };
}

async function answer(table: FolderEntry, request: Request, ctx: RequestContext & Context): Promise<Response> {
  const reached = await reach(table, ctx.pathBelow, request, ctx);
  if (reached instanceof Response) return reached;
  const allow = allowedBy(reached.kind === "function" ? reached.methods : ["GET"]);
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  if (!allow.split(", ").includes(request.method)) {
    return new Response("Method Not Allowed\n", { status: 405, headers: { allow } });
  }
  if (reached.kind === "value") return toResponse(reached.value);
  const input = await inputOf(request, reached.input, ctx.formLimits.memoryBytes);
  if (input instanceof Response) return input;
  const value = await reached.call(input.value, ctx, request);
  return (await fromJsx(value)) ?? toResponse(value, input.value);
}

/** Its nodes have a class; data that has their properties is data. Undefined for what is no JSX. */
async function fromJsx(value: unknown): Promise<Response | undefined> {
  if (typeof value !== "object" || value === null || !("tag" in value && "props" in value)) return undefined;
  const { renderNode } = await import("../../src/app/jsx/render.ts");
  return renderNode(value);
}

/** [RFC 9110 §9.3.2, §9.3.7] */
function allowedBy(methods: FunctionEntry["methods"]): string {
  return [...new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]))), "OPTIONS"].join(
    ", ",
  );
}

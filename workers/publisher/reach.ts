// From the names of a path to what is published there. Each level is asked who may come in before
// anything is told of what is inside: to a stranger every name of a guarded part looks the same.

import { basicCredentials, unauthorized } from "../../src/app/basic-auth.ts";
import type { MiddlewareContext } from "../../src/app/middleware.ts";
import type { Entry, FolderEntry, FunctionEntry, PublishHooks, ValueEntry } from "../../src/app/publish.ts";

const DEFAULT_REALM = "Restricted";

/** Answers for the object itself. */
const INDEX = "index";

/** `names` may end with "" for a slash. Undefined: the path is ambiguous. */
export async function reach(
  table: FolderEntry,
  names: readonly string[] | undefined,
  request: Request,
  ctx: MiddlewareContext,
): Promise<FunctionEntry | ValueEntry | Response> {
  if (names === undefined) return notFound();
  const guard = new Guard(request, ctx);
  let entry: Entry = table;
  for (const name of names.at(-1) === "" ? names.slice(0, -1) : names) {
    const refusal = await guard.refuses(entry);
    if (refusal !== undefined) return refusal;
    const next: Entry | undefined = entry.kind === "folder" ? entry.entries.get(name) : undefined;
    if (next === undefined) return notFound();
    entry = next;
  }
  for (;;) {
    const refusal = await guard.refuses(entry);
    if (refusal !== undefined) return refusal;
    if (entry.kind !== "folder") return entry;
    const index = entry.entries.get(INDEX);
    if (index === undefined) return notFound();
    entry = index;
  }
}

class Guard {
  readonly #request: Request;
  readonly #ctx: MiddlewareContext;
  #realm = DEFAULT_REALM;

  constructor(request: Request, ctx: MiddlewareContext) {
    this.#request = request;
    this.#ctx = ctx;
  }

  async refuses(entry: Entry): Promise<Response | undefined> {
    if (entry.kind === "value") return undefined;
    const { hooks } = entry;
    if (hooks.realm !== undefined) this.#realm = hooks.realm;
    if (hooks.auth !== undefined && !(await this.#authenticates(hooks))) return unauthorized(this.#realm);
    if (hooks.access !== undefined && (await hooks.access(this.#request, this.#ctx)) !== true) return forbidden();
    return undefined;
  }

  async #authenticates(hooks: PublishHooks): Promise<boolean> {
    // Of another scheme, or not well-formed: no credentials, and no error either.
    const credentials = basicCredentials(this.#request);
    if (credentials === undefined) return false;
    const user: unknown = await hooks.auth?.(credentials, this.#ctx);
    // `rows.length && …` is 0 for a stranger, and so is what mod_python's `__auth__` returned.
    if (!user) return false;
    this.#ctx.user = user === true ? credentials.user : user;
    return true;
  }
}

function notFound(): Response {
  return new Response("Not Found\n", { status: 404, headers: { "x-content-type-options": "nosniff" } });
}

function forbidden(): Response {
  return new Response("Forbidden\n", { status: 403, headers: { "x-content-type-options": "nosniff" } });
}

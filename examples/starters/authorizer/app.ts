// Says who may see what Apache serves: FastCGI's authorizer role. Apache asks with name and password, and
// serves the request itself when the answer is 200.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "holdfast";
import { type Accounts, isPassword } from "./_passwords.ts";

export async function init(): Promise<Accounts> {
  const accounts = JSON.parse(await readFile(join(import.meta.dirname, "accounts.json"), "utf8")) as Accounts;
  return Object.assign(Object.create(null), accounts);
}

export async function authorize(_request: Request, ctx: Context<Accounts>): Promise<Response> {
  const { REMOTE_USER: name = "", REMOTE_PASSWD: password = "" } = ctx.env;
  if (!(await isPassword(password, ctx.state[name]))) {
    ctx.log.info("refused", { name });
    return new Response("Unauthorized\n", { status: 401 });
  }
  // `Variable-NAME` becomes a variable of Apache's request: for its log, or for another pool behind it.
  return new Response(null, { status: 200, headers: { "variable-account": name } });
}

/** For whoever asks in a browser: this pool has no pages. */
export default (): Response => new Response("This pool answers Apache's questions, not yours.\n", { status: 404 });

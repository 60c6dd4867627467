// A file that is no handler, sent as it is. For `serve` and for web servers that cannot read the root;
// elsewhere Apache serves files itself.

import { open } from "node:fs/promises";
import type { Params } from "../src/fastcgi/name-values.ts";
import { fileResponse } from "./file-response.ts";
import { contentTypeOf } from "./mime.ts";

/**
 * Rejects with what the file system says. `file` must have been found fit to be served. It is closed when it
 * was sent; where the Response may be dropped instead, `over` says when nobody can want it any more.
 */
export async function staticResponse(
  file: string,
  method: string,
  params: Params,
  over?: Promise<void>,
): Promise<Response> {
  if (method !== "GET" && method !== "HEAD") {
    return new Response("Method Not Allowed\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const handle = await open(file, "r");
  try {
    const stats = await handle.stat({ bigint: true });
    return await fileResponse({ handle, stats, type: contentTypeOf(file), method, params, over });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

// `ctx.uploads()` of one request: takes its body, and sees to it that what was saved goes when the
// request fails. What parses is loaded when the first part is asked for.

import type { UploadOptions, UploadPart } from "../../src/app/uploads.ts";
import { headerValue } from "../../src/cgi/variables.ts";
import type { ContextOptions, RequestContext } from "../context.ts";
import { readerOf } from "../request.ts";

type Uploading = Pick<ContextOptions, "exchange" | "request" | "form">;

/** Throws TypeError if the body was read, or is being read. */
export function readUploads(
  ctx: RequestContext,
  { exchange, request, form }: Uploading,
  options: UploadOptions,
): AsyncIterableIterator<UploadPart> {
  const read = readerOf(request);
  const replied = { status: 500 };
  ctx.beforeReply(({ status }) => {
    replied.status = status;
  });
  return (async function* () {
    const { uploadParts } = await import("./uploads.ts");
    const { SavedFiles } = await import("./save.ts");
    const saved = new SavedFiles();
    ctx.defer(() => (replied.status >= 500 ? saved.remove() : undefined));
    const length = headerValue(exchange.params, "content-length");
    const source = {
      read,
      contentType: headerValue(exchange.params, "content-type"),
      contentLength: length === undefined || !/^\d+$/.test(length) ? undefined : Number(length),
      limits: form,
      saved,
    };
    yield* uploadParts(source, options);
  })();
}

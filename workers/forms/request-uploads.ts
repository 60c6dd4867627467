// `ctx.uploads()` of one request: takes its body, and sees to it that what was saved goes when the
// request fails. What parses is loaded when the first part is asked for.

import type { UploadOptions, UploadPart } from "../../src/app/uploads.ts";
import type { ContextOptions, RequestContext } from "../context.ts";
import { readerOf } from "../request.ts";

type Uploading = Pick<ContextOptions, "request" | "form">;

/** Throws TypeError if the body was read, or is being read. */
export function readUploads(
  ctx: RequestContext,
  { request, form }: Uploading,
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
    // Of the request as a middleware has left it: a filter does not know its length.
    const length = request.headers.get("content-length");
    const source = {
      read,
      contentType: request.headers.get("content-type") ?? undefined,
      contentLength: length !== null && /^\d+$/.test(length) ? Number(length) : undefined,
      limits: form,
      saved,
    };
    yield* uploadParts(source, options);
  })();
}

// Content-Type of the files that a pool serves itself. Apache's own mime.types decides wherever
// Apache serves them.

import { mediaTypeOf } from "../src/base/media-types.ts";

/** Text that the sender says is UTF-8, whatever the receiver's default is. */
const TEXT = /^text\/|[/+](?:json|xml)$/;

/** By the last extension of the name; `application/octet-stream` if it is not known. */
export function contentTypeOf(file: string): string {
  const type = mediaTypeOf(file) ?? "application/octet-stream";
  return TEXT.test(type) ? `${type}; charset=utf-8` : type;
}

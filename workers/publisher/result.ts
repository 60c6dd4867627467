// What a published function returned → a Response, by its type alone.

import { Fault } from "../../src/base/fault.ts";
import { isResponse } from "../response.ts";

/** An HTML document is one from beginning to end: what a stranger adds to a text must not make it one. */
const BEGINS_AS_HTML = /^\s*(?:<!doctype html|<html)[\s>]/i;
const ENDS_AS_HTML = /<\/html>\s*$/i;

const PLAIN = { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" };
const HTML = { "content-type": "text/html; charset=utf-8", "x-content-type-options": "nosniff" };

/**
 * `input` is what the function was given. Throws HANDLER for what is no answer, and TypeError for what has no
 * JSON form.
 */
export function toResponse(value: unknown, input?: unknown): Response {
  if (isResponse(value)) return value;
  switch (typeof value) {
    case "undefined":
      return new Response(null, { status: 204 });
    case "string":
      return new Response(value, { headers: isHtml(value) && !holdsHtml(input) ? HTML : PLAIN });
    case "number":
    case "bigint":
    case "boolean":
      return new Response(String(value), { headers: PLAIN });
    case "object":
      return value === null ? nothing() : fromObject(value);
    default:
      throw new Fault("HANDLER", `a published function returned a ${typeof value}`, {
        hint: "Return text, data, a stream, a Response, null for 404 or nothing for 204.",
      });
  }
}

function fromObject(value: object): Response {
  const isBody =
    value instanceof ReadableStream ||
    value instanceof Blob ||
    value instanceof ArrayBuffer ||
    value instanceof FormData ||
    value instanceof URLSearchParams ||
    ArrayBuffer.isView(value) ||
    Symbol.asyncIterator in value;
  if (!isBody) return Response.json(value);
  const hasType =
    value instanceof FormData || value instanceof URLSearchParams || (value instanceof Blob && value.type !== "");
  const isBytes = ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Blob;
  const headers = isBytes && !hasType ? { "content-type": "application/octet-stream" } : {};
  return new Response(value as ConstructorParameters<typeof Response>[0], {
    headers: { "x-content-type-options": "nosniff", ...headers },
  });
}

function nothing(): Response {
  return new Response("Not Found\n", { status: 404, headers: PLAIN });
}

function isHtml(text: string): boolean {
  return BEGINS_AS_HTML.test(text.slice(0, 100)) && ENDS_AS_HTML.test(text.slice(-100));
}

/** Levels of an input that are looked into. */
const DEPTH = 16;

/** A visitor has sent a document: a text that is one may be his, and is shown as text. Too deep to tell: it may be, too. */
function holdsHtml(input: unknown, depth = 0): boolean {
  if (typeof input === "string") return BEGINS_AS_HTML.test(input.slice(0, 100));
  if (typeof input !== "object" || input === null) return false;
  return depth === DEPTH || Object.values(input).some((each) => holdsHtml(each, depth + 1));
}

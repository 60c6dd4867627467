// What kind of form a request brings, by its Content-Type.

import { Refusal } from "../refusal.ts";
import { malformed } from "./limits.ts";

export type FormKind = { readonly kind: "urlencoded" } | { readonly kind: "multipart"; readonly boundary: string };

/** [RFC 2046 §5.1.1] says 70; a few clients take more. */
const BOUNDARY_CHARS = 200;

/** Throws Refusal: 415 for what is no form, 400 for a multipart form without a usable boundary. */
export function formKind(contentType: string | undefined): FormKind {
  const type = (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/x-www-form-urlencoded") return { kind: "urlencoded" };
  if (type === "multipart/form-data") return { kind: "multipart", boundary: boundaryOf(contentType ?? "") };
  const what = type === "" ? "has no Content-Type" : `is ${JSON.stringify(type?.slice(0, 100))}`;
  throw new Refusal("REQUEST", `the request's body is no form: it ${what}`, {
    hint: "A form is application/x-www-form-urlencoded or multipart/form-data.",
    status: 415,
  });
}

/** Whether `formKind` would not throw 415. */
export function isForm(contentType: string | undefined): boolean {
  return /^\s*(?:application\/x-www-form-urlencoded|multipart\/form-data)\s*(?:;|$)/i.test(contentType ?? "");
}

function boundaryOf(contentType: string): string {
  const match = /;[ \t]*boundary=(?:"([^"]*)"|([^\s;"]*))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2] ?? "";
  if (boundary === "") throw malformed("its Content-Type has no boundary");
  // [RFC 2046 §5.1.1] bchars; not a space at the end.
  if (boundary.length > BOUNDARY_CHARS || !/^[0-9A-Za-z'()+_,\-./:=? ]*[0-9A-Za-z'()+_,\-./:=?]$/.test(boundary)) {
    throw malformed("the boundary in its Content-Type is none");
  }
  return boundary;
}

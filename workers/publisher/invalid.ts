// The answer to input that the author's schema refuses: 400 with what is wrong, for a program or a person.

import type { StandardIssue } from "../../src/app/standard-schema.ts";

/** More are not told; who sends so much nonsense knows the first ones. */
const ISSUES = 100;

export function invalid(request: Request, issues: readonly StandardIssue[]): Response {
  const told = issues.slice(0, ISSUES).map(({ message, path = [] }) => ({
    path: path.map((part) => keyOf(typeof part === "object" ? part.key : part)),
    message: String(message),
  }));
  const headers = { "x-content-type-options": "nosniff", "cache-control": "no-store" };
  if (wantsJson(request)) {
    return Response.json({ error: "the input is not valid", issues: told }, { status: 400, headers });
  }
  const lines = told.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`));
  return new Response(`Bad Request\n${lines.join("\n")}\n`, {
    status: 400,
    headers: { ...headers, "content-type": "text/plain; charset=utf-8" },
  });
}

function keyOf(key: PropertyKey): string | number {
  return typeof key === "symbol" ? String(key) : key;
}

/** Who sent JSON, or asks for it at least as gladly as for text [RFC 9110 §12.5.1]. */
export function wantsJson(request: Request): boolean {
  if (/^application\/(?:[\w.+-]+\+)?json\b/i.test(request.headers.get("content-type") ?? "")) return true;
  let json = 0;
  let text = 0;
  for (const range of (request.headers.get("accept") ?? "").toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    const quality = weight === undefined ? 1 : Number(weight);
    if (!(quality > 0)) continue;
    if (/^application\/(?:[\w.+-]+\+)?json$/.test(type)) json = Math.max(json, quality);
    if (type.startsWith("text/")) text = Math.max(text, quality);
  }
  return json > 0 && json >= text;
}

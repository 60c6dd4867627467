// JSX that a handler has returned → a Response. Only what hono's own constructor has made counts: data that
// looks like a node, from a client or a database, is no HTML. Loaded when the first handler returns no Response.

import { jsx } from "hono/jsx/jsx-runtime";
import { renderToReadableStream } from "hono/jsx/streaming";

type Streamed = Parameters<typeof renderToReadableStream>[0];

/** The class of every node. hono's isValidElement takes anything with two properties of the right names. */
const JsxNode = jsx("p", {}).constructor as new () => { toString(): string | Promise<string> };

const HEADERS: [string, string][] = [["content-type", "text/html; charset=utf-8"]];

/** Undefined for what is no JSX of "holdfast/jsx-runtime". Rejects with what a component threw. */
export async function renderNode(value: unknown): Promise<Response | undefined> {
  if (!(value instanceof JsxNode)) return undefined;
  const html: string & { readonly callbacks?: readonly unknown[] } = await value.toString();
  // [hono] What is suspended is left behind as callbacks, which a stream calls.
  const isWhole = html.callbacks === undefined || html.callbacks.length === 0;
  const body = isWhole ? doctypeOf(html) + html : streamed(html);
  return new Response(body as string, { headers: HEADERS });
}

async function* streamed(html: string): AsyncGenerator<string | Uint8Array> {
  const failures: unknown[] = [];
  const stream = renderToReadableStream(html as unknown as Streamed, (error) => {
    failures.push(error);
  });
  const doctype = doctypeOf(html);
  if (doctype !== "") yield doctype;
  for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) {
    if (failures.length > 0) throw failures[0];
    yield piece;
  }
  if (failures.length > 0) throw failures[0];
}

/** Without it browsers lay out a whole document as in 1999. */
function doctypeOf(html: string): string {
  return /^<html[\s>]/i.test(html.slice(0, 6)) ? "<!doctype html>" : "";
}

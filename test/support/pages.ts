// Server pages in a test's own process: compiled, and run as a worker would, without a loader. Their code is
// plain JavaScript, because nothing here removes types.

import type { Context } from "../../src/app/context.ts";
import { type CompiledPage, compilePage } from "../../src/pages/compile.ts";
import { definePage, type PageRender } from "../../src/pages/runtime/define.ts";
import type { PageOptions } from "../../src/pages/settings.ts";
import { PageMistake, type SourceFile } from "../../src/pages/source.ts";

type Texts = Readonly<Record<string, string>>;

/** Compiles `page.tsp`, or the one text; names are relative to /site. */
export function compileTexts(given: string | Texts): CompiledPage {
  const texts = typeof given === "string" ? { "page.tsp": given } : given;
  const fileOf = (name: string): SourceFile => ({ path: `/site/${name}`, text: texts[name] ?? "" });
  return compilePage(fileOf("page.tsp"), {
    open: (_from, name) => (Object.hasOwn(texts, name) ? fileOf(name) : "there is no such file"),
  });
}

/** What is wrong with it: "line:column message", and its hint. */
export function mistakeIn(given: string | Texts): { readonly at: string; readonly hint: string | undefined } {
  try {
    compileTexts(given);
  } catch (error) {
    if (!(error instanceof PageMistake)) throw error;
    const name = error.file.path === "/site/page.tsp" ? "" : `${error.file.path.slice(6)}:`;
    return { at: `${name}${error.place.line}:${error.place.column} ${error.what}`, hint: error.hint };
  }
  throw new Error("nothing is wrong with it");
}

export interface Run {
  readonly method?: string;
  readonly url?: string;
  readonly body?: string;
  readonly ctx?: Partial<Context>;
  /** Seen by the page's code. */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** The page's answer. */
export async function runPage(given: string | Texts, run: Run = {}): Promise<Response> {
  const { code } = compileTexts(given);
  const names = Object.keys(run.values ?? {});
  const body = code
    .replace(/^import \{ definePage as \$define, [^}]*\} from "[^"]*";/, "")
    .replace(/: \$Arguments\["\$?\w*"\]/g, "")
    .replace("export default $define(", "return $define(");
  const define = (options: PageOptions, render: PageRender) => definePage(options, render);
  const handler = new Function("$define", ...names, body)(define, ...names.map((name) => run.values?.[name]));
  const { method = "GET", url = "/", body: content } = run;
  const request = new Request(new URL(url, "http://site.test"), {
    method,
    ...(content === undefined ? {} : formOf(content)),
  });
  const ctx = { waitUntil() {}, ...run.ctx } as unknown as Context;
  return handler(request, ctx, ctx);
}

/** What the page has written. */
export async function renderPage(
  given: string | Texts,
  values: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return (await runPage(given, { values })).text();
}

function formOf(body: string): RequestInit {
  return { body, headers: { "content-type": "application/x-www-form-urlencoded" } };
}

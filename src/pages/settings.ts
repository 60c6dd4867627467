// What a page says about itself in <%@ page … %>. A page's word counts before its layout's.

import type { Language } from "./html-state.ts";
import type { DirectivePart } from "./parts.ts";
import { PageMistake } from "./source.ts";
import type { Template } from "./template.ts";

/** What the runtime is told; without what is as usual. */
export interface PageOptions {
  /** Content-Type; default: text/html; charset=utf-8. */
  readonly type?: string;
  /** Default: 200. */
  readonly status?: number;
}

export interface PageSettings {
  readonly options: PageOptions;
  /** The page's code has `session`, opened before it runs. */
  readonly session: boolean;
  readonly language: Language;
}

export function settingsOf(templates: readonly Template[]): PageSettings {
  let options: PageOptions = {};
  for (const directive of templates.toReversed().flatMap(({ settings }) => settings)) {
    options = { ...options, ...optionsOf(directive) };
  }
  const session = templates.some(({ settings }) => settings.some(wantsSession));
  return { options, session, language: languageOf(options.type ?? "text/html") };
}

function optionsOf(directive: DirectivePart): PageOptions {
  const type = directive.attributes.get("type");
  const status = directive.attributes.get("status");
  const { file } = directive;
  if (type !== undefined && !/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;[\x20-\x7e]*)?$/.test(type.value)) {
    throw new PageMistake(file, type.at, `"${type.value}" is no content type`, "One is text/html; charset=utf-8.");
  }
  if (status !== undefined && !/^[2-5]\d\d$/.test(status.value)) {
    throw new PageMistake(file, status.at, `"${status.value}" is no status`, "A status is from 200 to 599.");
  }
  return {
    ...(type === undefined ? {} : { type: withCharset(type.value) }),
    ...(status === undefined ? {} : { status: Number(status.value) }),
  };
}

function wantsSession({ file, attributes }: DirectivePart): boolean {
  const written = attributes.get("session");
  if (written === undefined) return false;
  if (written.value === "true" || written.value === "false") return written.value === "true";
  throw new PageMistake(file, written.at, `"${written.value}" is neither true nor false`);
}

/** Pages are written as UTF-8. JSON needs no charset [RFC 8259 §8.1]. */
function withCharset(type: string): string {
  return type.includes(";") || !/^text\/|[/+]xml$/i.test(type) ? type : `${type}; charset=utf-8`;
}

/** In which language the page's values are escaped. */
function languageOf(type: string): Language {
  const essence = (type.split(";", 1)[0] ?? "").trim().toLowerCase();
  if (essence === "text/html" || essence === "application/xhtml+xml") return "html";
  // It has scripts, styles and addresses as HTML has; other XML is data.
  if (essence === "image/svg+xml") return "svg";
  if (/(?:\/|\+)xml$/.test(essence)) return "xml";
  if (/(?:\/|\+)json$|\/(?:x-)?(?:java|ecma)script$/.test(essence)) return "script";
  return essence === "text/css" ? "style" : "plain";
}

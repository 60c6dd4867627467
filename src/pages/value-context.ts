// Where a value would land → how it has to be written there, or why it must not stand there.

import { attributeKind, CLOSED } from "./attributes.ts";
import { CssLexer } from "./css-lexer.ts";
import type { HtmlPosition } from "./html-position.ts";
import { UrlListState } from "./url-list-state.ts";
import { UrlState } from "./url-state.ts";

/** What a value would be part of. `none`: it must not stand here. */
export type ValueContext =
  | {
      readonly kind:
        | "html"
        | "comment"
        | "url"
        | "url-part"
        | "url-path"
        | "url-list"
        | "refresh"
        | "plain"
        | "code"
        | "string"
        | "style"
        | "style-url";
      readonly attribute: boolean;
    }
  | { readonly kind: "none"; readonly what: string; readonly hint: string };

const URL_KINDS = {
  start: "url",
  root: "url-path",
  open: "url-part",
  fixed: "html",
  refresh: "refresh",
} as const;

const RAW_HINT = "<%- … %> writes a value as it is; then it is yours to make it safe.";

export function contextAt(at: HtmlPosition): ValueContext {
  at.drain();
  if (at.pending !== "" && at.mode !== "comment") {
    return none(`after "${at.pending}"`, `A value cannot be the name of a tag. ${RAW_HINT}`);
  }
  switch (at.mode) {
    case "data":
    case "text":
      return { kind: "html", attribute: false };
    case "comment":
      return { kind: "comment", attribute: false };
    case "plain":
      return { kind: "plain", attribute: false };
    case "script":
    case "style":
      return subContext(at, false);
    case "value":
      return valueContext(at);
    case "before-value":
      return none(
        "as an attribute's value without quotes",
        `Put quotes around it: ${at.attribute ?? "name"}="<%= … %>".`,
      );
    case "tag-name":
    case "before-attribute":
    case "attribute":
    case "after-attribute":
    case "after-value":
    case "merged":
      return none(
        `inside of the tag <${at.closing ? "/" : ""}${at.tag}>, outside of quotes`,
        `Write the attribute's name into the page, and quotes around its value; <% if (…) { %>checked<% } %> leaves it out. ${RAW_HINT}`,
      );
    case "raw":
      return none(`inside of <${at.tag}>, where nothing can be escaped`, RAW_HINT);
    case "declaration":
      return none("inside of <!…> or <?…>", RAW_HINT);
    case "cdata":
      return none("inside of a CDATA section", RAW_HINT);
    case "lost":
      return none(
        "where the branches of the page's code leave it open what this is part of",
        "Write whole tags and whole attributes in each branch.",
      );
  }
}

function valueContext(at: HtmlPosition): ValueContext {
  if (at.quote === " ") {
    const hint = `Put quotes around it: ${at.attribute ?? "name"}="<%= … %>".`;
    return none("in an attribute's value without quotes", hint);
  }
  if (at.attribute === undefined) {
    return none("in an attribute whose name depends on the page's code", "Write whole attributes in each branch.");
  }
  if (attributeKind(at.element, at.attribute) === "closed" && !at.xml) {
    return none(`in ${at.attribute}`, `${CLOSED[at.attribute]} ${RAW_HINT}`);
  }
  if (at.isSaying && !at.xml) {
    return none(`as the ${at.attribute} of a <${at.element}>`, `The page has to say what the ${at.element} is.`);
  }
  return at.sub === undefined ? { kind: "html", attribute: true } : subContext(at, true);
}

function subContext(at: HtmlPosition, attribute: boolean): ValueContext {
  const sub = at.sub;
  const where = attribute ? `in ${at.attribute}` : at.tag === "\0" ? "here" : `in this <${at.tag}>`;
  if (sub === undefined) return none(`${where}, whose type is not known`, RAW_HINT);
  if (sub instanceof UrlState) {
    if (sub.phase === "refused") return none(`in this address: ${sub.reason}`, RAW_HINT);
    if (sub instanceof UrlListState) return { kind: "url-list", attribute };
    return { kind: URL_KINDS[sub.phase], attribute };
  }
  if (sub.lost) {
    const hint = `Put the value into a data-… attribute and read it from there. ${RAW_HINT}`;
    return none(`${where} after something ambiguous`, hint);
  }
  if (sub.isEscaping) return none("after a backslash", "Leave out the backslash.");
  if (sub instanceof CssLexer) {
    if (sub.mode === "comment") return none(`${where} within a comment`, "Use <%-- … --%>.");
    if (sub.mode === "url") return none(`${where} as an address without quotes`, 'Write url("<%= … %>").');
    return { kind: sub.isUrl ? "style-url" : "style", attribute };
  }
  switch (sub.mode) {
    case "code":
      return { kind: "code", attribute };
    case "single":
    case "double":
      return { kind: "string", attribute };
    case "template":
      return none(`${where} within a template literal`, `Write $\{<%= … %>}: the value brings its own quotes.`);
    case "regex":
    case "regex-class":
      return none(`${where} within a regular expression`, "Write new RegExp(<%= … %>).");
    default:
      return none(`${where} within a comment`, "Use <%-- … --%>.");
  }
}

function none(what: string, hint: string): ValueContext {
  return { kind: "none", what, hint };
}

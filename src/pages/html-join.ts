// Two ways through a page's code that meet: what is true of both, so that what follows is read rightly whichever
// was taken.

import { CodeLexer } from "./code-lexer.ts";
import { CssLexer } from "./css-lexer.ts";
import type { HtmlPosition, Mode } from "./html-position.ts";
import { UrlState } from "./url-state.ts";

const WITH_TAG: ReadonlySet<Mode> = new Set(["value", "before-value", "script", "style", "text", "raw"]);

/** Makes `at` hold for both; undefined if that is possible, else what they are in. */
export function joinPositions(at: HtmlPosition, other: HtmlPosition): string | undefined {
  at.drain();
  other.drain();
  const difference = `${at.describe()} and ${other.describe()}`;
  if (at.foreign !== other.foreign) at.foreign = true;
  if (at.says !== other.says) at.says = undefined;
  if (at.isInTag && other.isInTag) return joinTags(at, other) ? undefined : difference;
  const same =
    at.mode === other.mode &&
    at.pending === other.pending &&
    at.quote === other.quote &&
    at.escaped === other.escaped &&
    (!WITH_TAG.has(at.mode) || (at.tag === other.tag && at.attribute === other.attribute)) &&
    joinSubs(at, other);
  return same ? undefined : difference;
}

function joinTags(at: HtmlPosition, other: HtmlPosition): boolean {
  if (at.closing !== other.closing) return false;
  if (at.tag !== other.tag && at.mode !== "tag-name" && other.mode !== "tag-name") return false;
  // Of an element with content more is refused.
  at.slash &&= other.slash;
  if (at.mode === other.mode && at.attribute === other.attribute && at.tag === other.tag) return true;
  const modes = new Set([at.mode, other.mode]);
  if (modes.has("tag-name") || modes.has("merged")) {
    at.mode = "merged";
    if (at.tag.length > other.tag.length) at.tag = other.tag;
  } else if (modes.has("attribute")) {
    at.mode = "attribute";
    at.attribute = undefined;
  } else if (modes.has("after-attribute")) {
    at.mode = "after-attribute";
    at.attribute = undefined;
  } else at.mode = "before-attribute";
  return true;
}

function joinSubs({ sub: own }: HtmlPosition, { sub: other }: HtmlPosition): boolean {
  if (own === undefined || other === undefined) return own === other;
  if (own instanceof CodeLexer) return other instanceof CodeLexer && own.join(other);
  if (own instanceof CssLexer) return other instanceof CssLexer && own.join(other);
  return other instanceof UrlState && own.join(other);
}

// Who reads an attribute's value, so that it is known what a value in it would be part of.

import { attributeKind } from "./attributes.ts";
import { CodeLexer } from "./code-lexer.ts";
import { CssLexer } from "./css-lexer.ts";
import type { HtmlPosition, Sub } from "./html-position.ts";
import { RefreshState } from "./refresh-state.ts";
import { UrlListState } from "./url-list-state.ts";
import { UrlState } from "./url-state.ts";

/** Of the attribute that begins; undefined where it is text, or nothing can stand in it. */
export function valueReader({ attribute, element, says, xml }: HtmlPosition): Sub | undefined {
  if (attribute === undefined || xml) return undefined;
  switch (attributeKind(element, attribute, says)) {
    case "url":
      return new UrlState();
    case "urls":
      return new UrlListState();
    case "refresh":
      return new RefreshState();
    case "script":
      return new CodeLexer(true);
    case "style":
      return new CssLexer();
    default:
      return undefined;
  }
}

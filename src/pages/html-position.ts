// A place in a page's HTML, as the tokenizer of the standard would describe it [HTML §13.2.5], with what reads
// the script, style or address that it may be in. Copied where the page's code branches.

import { CodeLexer } from "./code-lexer.ts";
import { CssLexer } from "./css-lexer.ts";
import { UrlState } from "./url-state.ts";

export type Mode =
  | "data"
  | "text" // <title>, <textarea>
  | "raw" // <iframe>, <xmp>, <noembed>, <noframes>, <plaintext>
  | "script"
  | "style"
  | "tag-name"
  | "before-attribute"
  | "attribute"
  | "after-attribute"
  | "merged" // after a tag's name, or in it: branches differ
  | "before-value"
  | "value"
  | "after-value"
  | "comment"
  | "declaration"
  | "cdata"
  | "plain"
  | "lost";

export type Sub = CodeLexer | CssLexer | UrlState;

const IN_TAG: ReadonlySet<Mode> = new Set([
  "tag-name",
  "before-attribute",
  "attribute",
  "after-attribute",
  "after-value",
  "merged",
]);

const SAYING: ReadonlyMap<string, string> = new Map([
  ["script", "type"],
  ["meta", "http-equiv"],
]);

export class HtmlPosition {
  mode: Mode = "data";
  xml = false;
  /** In lower case. "\0" for a page that is a script or a style as a whole. */
  tag = "";
  /** It is an end tag. */
  closing = false;
  /** Undefined where branches of the page's code have given it different names. */
  attribute: string | undefined = "";
  /** Around the attribute's value; " " for none. */
  quote = "";
  /**
   * What the tag that is read has said of its content: a <script>'s `type`, a <meta>'s `http-equiv`, or "name" for a
   * <meta> that has one. Empty until then; undefined where the page's code decides it.
   */
  says: string | undefined = "";
  /** What was read of something that may become something else: `<`, `</scr`, `--`. */
  pending = "";
  /** Reads what a script, a style or an address consists of. */
  sub: Sub | undefined;
  /** What `sub` has still to read. */
  unread = "";
  /** [HTML §13.2.5.20–31] Inside of <!-- in a script, and of <script> in that. */
  escaped: "no" | "yes" | "double" = "no";
  /** The last characters of a script. */
  recent = "";
  /** The document is an SVG: XML, where a tag that ends with a slash has no content. */
  svg = false;
  /** The last character of the tag is a slash. */
  slash = false;
  /** Inside of <svg> or <math>, where other rules hold for scripts. */
  foreign = false;

  /** The tag's name; in an SVG document without the prefix of its namespace. */
  get element(): string {
    return this.svg ? this.tag.slice(this.tag.lastIndexOf(":") + 1) : this.tag;
  }

  /** The attribute is the one that `says` is of. */
  get isSaying(): boolean {
    return this.attribute !== undefined && SAYING.get(this.element) === this.attribute;
  }

  /** It makes what a <meta> holds text. */
  get isNaming(): boolean {
    return this.element === "meta" && /^(?:name|property|itemprop)$/.test(this.attribute ?? "");
  }

  get isInTag(): boolean {
    return IN_TAG.has(this.mode);
  }

  clone(): HtmlPosition {
    this.drain();
    return Object.assign(new HtmlPosition(), this, { sub: this.sub?.clone() });
  }

  /** All that has come since the last value at once: what a slash is, the text before and after it decides. */
  drain(): void {
    const { sub, unread } = this;
    this.unread = "";
    if (sub === undefined || unread === "") return;
    sub.feed(unread);
    // A character reference: what the browser makes of it is not looked up.
    const hasReferences = this.mode === "value" || this.foreign;
    if (hasReferences && !(sub instanceof UrlState) && /&(?:[#a-z]|$)/i.test(unread)) sub.lost = true;
  }

  /** Whether every text that follows means the same at both. */
  equals(other: HtmlPosition): boolean {
    this.drain();
    other.drain();
    const { mode, tag, closing, attribute, quote, says, pending, escaped, foreign } = this;
    return (
      mode === other.mode &&
      pending === other.pending &&
      foreign === other.foreign &&
      (mode === "data" ||
        (tag === other.tag &&
          closing === other.closing &&
          attribute === other.attribute &&
          quote === other.quote &&
          says === other.says &&
          escaped === other.escaped &&
          sameSub(this.sub, other.sub)))
    );
  }

  describe(): string {
    if (this.isInTag) return `in the tag <${this.closing ? "/" : ""}${this.tag}>`;
    switch (this.mode) {
      case "value":
      case "before-value":
        return `in the value of ${this.attribute ?? "an attribute"}`;
      case "data":
        return this.pending === "" ? "in text" : `after "${this.pending}"`;
      case "comment":
        return "in a comment";
      case "text":
      case "raw":
      case "script":
      case "style":
        return `in <${this.tag}>${this.sub instanceof CodeLexer && this.sub.mode !== "code" ? " within a string or comment" : ""}`;
      default:
        return "in a declaration";
    }
  }
}

function sameSub(one: Sub | undefined, other: Sub | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  if (one instanceof CodeLexer) return other instanceof CodeLexer && one.equals(other);
  if (one instanceof CssLexer) return other instanceof CssLexer && one.equals(other);
  return other instanceof UrlState && one.equals(other);
}

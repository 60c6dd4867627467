// The HTML tokenizer [HTML §13.2.5], as far as needed to know what a value at this place would be part of.
// It follows the text of a page from tag to tag; values and code are told to it.

import { CodeLexer } from "./code-lexer.ts";
import { CssLexer } from "./css-lexer.ts";
import { joinPositions } from "./html-join.ts";
import { HtmlPosition, type Mode } from "./html-position.ts";
import { UrlState } from "./url-state.ts";
import { contextAt, type ValueContext } from "./value-context.ts";
import { valueReader } from "./value-reader.ts";

export type Language = "html" | "svg" | "xml" | "script" | "style" | "plain";

const TEXT_ELEMENTS = new Set(["title", "textarea"]);
const RAW_ELEMENTS = new Set(["iframe", "xmp", "noembed", "noframes", "plaintext"]);
/** JavaScript, and what is written as JSON. */
const SCRIPT_TYPES =
  /^(?:|module|importmap|speculationrules|(?:text|application)\/(?:x-)?(?:java|ecma|j|live)script[\d.]*|(?:[\w-]+\/)?(?:[\w.-]+\+)?json5?)$/i;

/** [HTML §13.2.5] Others that JavaScript takes for white space are part of names and values. */
const SPACE = /[\t\n\f\r ]/;

export class HtmlState {
  readonly #at: HtmlPosition;

  constructor(language: Language, at = beginningOf(language)) {
    this.#at = at;
  }

  clone(): HtmlState {
    return new HtmlState("html", this.#at.clone());
  }

  feed(text: string): void {
    for (let at = 0; at < text.length; ) {
      // Long runs at once: most of a page is text.
      if (this.#at.mode === "data" && this.#at.pending === "") {
        const tag = text.indexOf("<", at);
        if (tag === -1) return;
        at = tag;
      }
      this.#read(text[at] as string);
      at += 1;
    }
  }

  /** Where a value would stand now. */
  context(): ValueContext {
    return contextAt(this.#at);
  }

  /** After two ways to here: undefined if they are in one context, else what they are in. */
  join(other: HtmlState): string | undefined {
    return joinPositions(this.#at, other.#at);
  }

  /** Whether every text that follows means the same in both. */
  equals(other: HtmlState): boolean {
    return this.#at.equals(other.#at);
  }

  /** A value was written here, in the escaping of `context`. */
  value(raw: boolean): void {
    this.#at.drain();
    if (this.#at.sub instanceof UrlState || this.#at.sub instanceof CssLexer) this.#at.sub.value();
    else if (this.#at.sub?.mode === "code") this.#at.sub.value();
    if (this.#at.mode === "comment") this.#at.pending = "";
    // The author answers for what it is; that it is whole is taken for granted.
    if (raw && this.#at.mode === "before-value") this.#openValue(" ");
    if (raw && (this.#at.mode === "before-attribute" || this.#at.mode === "after-value")) {
      this.#at.mode = "after-attribute";
      this.#at.attribute = undefined;
    }
  }

  #read(char: string): void {
    switch (this.#at.mode) {
      case "plain":
      case "lost":
        return;
      case "data":
        this.#data(char);
        return;
      case "text":
      case "raw":
      case "style":
      case "script":
        this.#element(char);
        return;
      case "declaration":
        if (char === ">") this.#at.mode = "data";
        return;
      case "comment":
        this.#comment(char);
        return;
      case "cdata":
        this.#at.pending = (this.#at.pending + char).slice(-3);
        if (this.#at.pending === "]]>") this.#to("data");
        // In HTML proper this is a comment that ends here; in parts of an <svg>, too.
        else if (char === ">" && !this.#at.xml) this.#to("lost");
        return;
      case "value":
        this.#value(char);
        return;
      default:
        this.#inTag(char);
        return;
    }
  }

  #to(mode: Mode): void {
    this.#at.mode = mode;
    this.#at.pending = "";
  }

  /** [HTML §13.2.5.1, §13.2.5.6–7, §13.2.5.42] */
  #data(char: string): void {
    const read = this.#at.pending + char;
    if (
      read === "<" ||
      read === "</" ||
      read === "<!" ||
      read === "<!-" ||
      /^<!\[(?:C(?:D(?:A(?:T(?:A)?)?)?)?)?$/.test(read)
    ) {
      this.#at.pending = read;
      return;
    }
    if (/^<\/?[a-z]$/i.test(read) || (this.#at.xml && /^<\/?[_:\u0080-\uffff]$/.test(read))) {
      this.#to("tag-name");
      this.#at.tag = char.toLowerCase();
      this.#at.closing = read.length === 3;
      this.#at.says = "";
      return;
    }
    if (read === "<!--") {
      this.#to("comment");
      // `<!-->` and `<!--->` are whole comments.
      this.#at.pending = "--";
      return;
    }
    if (read === "<![CDATA[") {
      this.#to(this.#at.xml || this.#at.foreign ? "cdata" : "declaration");
      return;
    }
    if (read === "<?" || /^<\/[^>]$/.test(read) || /^<!.+$/s.test(read)) {
      this.#to("declaration");
      if (char === ">") this.#at.mode = "data";
      return;
    }
    this.#at.pending = char === "<" ? "<" : "";
  }

  /** [HTML §13.2.5.43–52] */
  #comment(char: string): void {
    const read = (this.#at.pending + char).slice(-4);
    if (/(?:--|--!)>$/.test(read)) {
      this.#to("data");
      return;
    }
    this.#at.pending = /-{1,2}!?$/.exec(read)?.[0] ?? "";
  }

  /** Elements whose content is text until their own end tag. [HTML §13.2.5.2–5] */
  #element(char: string): void {
    const read = this.#at.pending + char;
    const end = `</${this.#at.tag}`;
    if (read.toLowerCase() === end.slice(0, read.length)) {
      this.#at.pending = read;
      return;
    }
    const isEnd =
      read.length === end.length + 1 &&
      read.slice(0, -1).toLowerCase() === end &&
      (char === "/" || char === ">" || SPACE.test(char));
    if (isEnd && this.#at.escaped !== "double" && this.#at.tag !== "plaintext") {
      this.#leave();
      this.#at.escaped = "no";
      this.#at.closing = true;
      this.#to("tag-name");
      this.#inTag(char);
      return;
    }
    if (this.#at.element === "script") this.#escape(read, isEnd);
    this.#at.pending = "";
    // What looked like the end tag is content; a `<` in it may begin the real one.
    const content = char === "<" ? read.slice(0, -1) : read;
    if (char === "<") this.#at.pending = "<";
    this.#at.unread += content;
    if (this.#at.element === "script") this.#at.recent = (this.#at.recent + content).slice(-8);
  }

  #escape(read: string, isEnd: boolean): void {
    const seen = (this.#at.recent + read).toLowerCase();
    if (this.#at.escaped === "no" && seen.endsWith("<!--")) this.#at.escaped = "yes";
    else if (this.#at.escaped !== "no" && seen.endsWith("-->")) this.#at.escaped = "no";
    else if (this.#at.escaped === "yes" && /<script[\s/>]$/.test(seen)) this.#at.escaped = "double";
    else if (this.#at.escaped === "double" && isEnd) this.#at.escaped = "yes";
  }

  /** [HTML §13.2.5.8, §13.2.5.32–40] */
  #inTag(char: string): void {
    if (char === ">") {
      this.#endTag();
      return;
    }
    this.#at.slash = char === "/";
    if (this.#at.mode === "before-value") {
      if (char === '"' || char === "'") this.#openValue(char);
      else if (!SPACE.test(char)) this.#openValue(" ", char);
    } else if (char === "/") this.#at.mode = "before-attribute";
    else if (SPACE.test(char)) {
      if (this.#at.mode === "attribute") this.#at.mode = "after-attribute";
      else if (this.#at.mode !== "after-attribute") this.#at.mode = "before-attribute";
    } else if (char === "=" && (this.#at.mode === "attribute" || this.#at.mode === "after-attribute")) {
      this.#at.mode = "before-value";
    } else if (this.#at.mode === "tag-name") this.#at.tag += char.toLowerCase();
    else if (this.#at.mode === "merged") this.#at.mode = "lost";
    else if (this.#at.mode === "attribute") {
      if (this.#at.attribute !== undefined) this.#at.attribute += char.toLowerCase();
    } else {
      this.#at.mode = "attribute";
      this.#at.attribute = char.toLowerCase();
    }
  }

  #openValue(quote: string, first = ""): void {
    this.#at.mode = "value";
    this.#at.quote = quote;
    this.#at.sub = valueReader(this.#at);
    // [HTML §13.2.5.33] Of two attributes with one name the first counts.
    if (this.#at.isSaying) this.#at.says = this.#at.says === "" ? "" : undefined;
    else if (this.#at.isNaming) this.#at.says ||= "name";
    if (first !== "") this.#value(first);
  }

  #value(char: string): void {
    const ends = this.#at.quote === " " ? char === ">" || SPACE.test(char) : char === this.#at.quote;
    if (ends) {
      this.#leave();
      this.#at.mode = this.#at.quote === " " ? "before-attribute" : "after-value";
      this.#at.quote = "";
      if (char === ">") this.#endTag();
      return;
    }
    if (this.#at.isSaying && this.#at.says !== undefined) this.#at.says += char;
    if (this.#at.sub !== undefined) this.#at.unread += char;
  }

  #leave(): void {
    this.#at.sub = undefined;
    this.#at.unread = "";
  }

  #endTag(): void {
    this.#leave();
    this.#at.quote = "";
    this.#to("data");
    const { element: tag, closing, xml, svg } = this.#at;
    if (tag === "svg" || tag === "math") this.#at.foreign = svg || (!closing && !xml);
    const isEmpty = svg && this.#at.slash;
    if (closing || xml || isEmpty) return;
    this.#at.recent = "";
    if (tag === "script") {
      this.#at.mode = "script";
      const isCode = this.#at.says !== undefined && SCRIPT_TYPES.test(this.#at.says.trim());
      this.#at.sub = isCode ? new CodeLexer(true) : undefined;
    } else if (tag === "style") {
      this.#at.mode = "style";
      this.#at.sub = new CssLexer();
    } else if (TEXT_ELEMENTS.has(tag)) {
      // An SVG's <title> holds elements.
      const holdsText = !svg && (tag !== "title" || !this.#at.foreign);
      this.#at.mode = holdsText ? "text" : "data";
    } else if (RAW_ELEMENTS.has(tag)) this.#at.mode = "raw";
  }
}

function beginningOf(language: Language): HtmlPosition {
  const at = new HtmlPosition();
  at.xml = language === "xml";
  at.svg = language === "svg";
  at.foreign = at.svg;
  if (language === "html" || language === "svg" || language === "xml") return at;
  at.mode = language;
  at.sub = language === "script" ? new CodeLexer(true) : language === "style" ? new CssLexer() : undefined;
  // There is no tag whose end could be found.
  at.tag = "\0";
  return at;
}

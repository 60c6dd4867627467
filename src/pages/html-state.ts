// The HTML tokenizer [HTML §13.2.5], as far as needed to know what a value at this place would be part of.
// It follows the text of a page from tag to tag; values and code are told to it.

import { attributeKind } from "./attributes.ts";
import { CodeLexer } from "./code-lexer.ts";
import { CssLexer } from "./css-lexer.ts";
import { UrlState } from "./url-state.ts";

export type Language = "html" | "xml" | "script" | "style" | "plain";

type Mode =
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

/** What a value would be part of. `none`: it must not stand here. */
export type ValueContext =
  | {
      readonly kind: "html" | "comment" | "url" | "url-part" | "plain" | "code" | "string" | "style" | "style-url";
      readonly attribute: boolean;
    }
  | { readonly kind: "none"; readonly what: string; readonly hint: string };

const RAW_HINT = "<%- … %> writes a value as it is; then it is yours to make it safe.";

const TEXT_ELEMENTS = new Set(["title", "textarea"]);
const RAW_ELEMENTS = new Set(["iframe", "xmp", "noembed", "noframes", "plaintext"]);
const SCRIPT_TYPES =
  /^(?:|module|importmap|speculationrules|text\/babel|(?:text|application)\/(?:x-)?(?:java|ecma|j|live)script[\d.]*|(?:[\w-]+\/)?(?:[\w.-]+\+)?json5?)$/i;

/** [HTML §13.2.5] Others that JavaScript takes for white space are part of names and values. */
const SPACE = /[\t\n\f\r ]/;

type Sub = CodeLexer | CssLexer | UrlState;

export class HtmlState {
  #mode: Mode;
  readonly #xml: boolean;
  #tag = "";
  #closing = false;
  /** Undefined where branches of the page's code have given it different names. */
  #attribute: string | undefined = "";
  #quote = "";
  /** Of the <script> whose tag is read: its `type`, if the page wrote it. */
  #type: string | undefined = "";
  /** What was read of something that may become something else: `<`, `</scr`, `--`. */
  #pending = "";
  /** Reads what a script, a style or an address consists of, and `#unread` is what it has still to read. */
  #sub: Sub | undefined;
  #unread = "";
  /** [HTML §13.2.5.20–31] Inside of <!-- in a script, and of <script> in that. */
  #escaped: "no" | "yes" | "double" = "no";
  /** The last characters of a script. */
  #recent = "";

  constructor(language: Language) {
    this.#xml = language === "xml";
    this.#mode = language === "html" || language === "xml" ? "data" : language === "plain" ? "plain" : language;
    if (language === "script") this.#sub = new CodeLexer(true);
    if (language === "style") this.#sub = new CssLexer();
    // There is no tag whose end could be found.
    if (language === "script" || language === "style") this.#tag = "\0";
  }

  clone(): HtmlState {
    this.#drain();
    const copy = new HtmlState(this.#xml ? "xml" : "html");
    copy.#mode = this.#mode;
    copy.#tag = this.#tag;
    copy.#closing = this.#closing;
    copy.#attribute = this.#attribute;
    copy.#quote = this.#quote;
    copy.#type = this.#type;
    copy.#pending = this.#pending;
    copy.#sub = this.#sub?.clone();
    copy.#escaped = this.#escaped;
    copy.#recent = this.#recent;
    return copy;
  }

  feed(text: string): void {
    for (let at = 0; at < text.length; ) {
      // Long runs at once: most of a page is text.
      if (this.#mode === "data" && this.#pending === "") {
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
    this.#drain();
    const none = (what: string, hint: string): ValueContext => ({ kind: "none", what, hint });
    if (this.#pending !== "" && this.#mode !== "comment") {
      return none(`after "${this.#pending}"`, `A value cannot be the name of a tag. ${RAW_HINT}`);
    }
    switch (this.#mode) {
      case "data":
      case "text":
        return { kind: "html", attribute: false };
      case "comment":
        return { kind: "comment", attribute: false };
      case "plain":
        return { kind: "plain", attribute: false };
      case "script":
      case "style":
        return this.#subContext(false);
      case "value":
        return this.#valueContext();
      case "before-value":
        return none(
          "as an attribute's value without quotes",
          `Put quotes around it: ${this.#attribute ?? "name"}="<%= … %>".`,
        );
      case "tag-name":
      case "before-attribute":
      case "attribute":
      case "after-attribute":
      case "after-value":
      case "merged":
        return none(
          `inside of the tag <${this.#closing ? "/" : ""}${this.#tag}>, outside of quotes`,
          `Write the attribute's name into the page, and quotes around its value; <% if (…) { %>checked<% } %> leaves it out. ${RAW_HINT}`,
        );
      case "raw":
        return none(`inside of <${this.#tag}>, where nothing can be escaped`, RAW_HINT);
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

  /** A value was written here, in the escaping of `context`. */
  value(raw: boolean): void {
    this.#drain();
    if (this.#sub instanceof UrlState || this.#sub instanceof CssLexer) this.#sub.value();
    else if (this.#sub?.mode === "code") this.#sub.value();
    if (this.#mode === "comment") this.#pending = "";
    // The author answers for what it is; that it is whole is taken for granted.
    if (raw && this.#mode === "before-value") this.#openValue(" ");
    if (raw && (this.#mode === "before-attribute" || this.#mode === "after-value")) {
      this.#mode = "after-attribute";
      this.#attribute = undefined;
    }
  }

  /** After two ways to here: undefined if they are in one context, else what they are in. */
  join(other: HtmlState): string | undefined {
    this.#drain();
    other.#drain();
    if (inTag(this.#mode) && inTag(other.#mode)) return this.#joinTag(other);
    const same =
      this.#mode === other.#mode &&
      this.#pending === other.#pending &&
      this.#quote === other.#quote &&
      this.#escaped === other.#escaped &&
      (!["value", "before-value", "script", "style", "text", "raw"].includes(this.#mode) ||
        (this.#tag === other.#tag && this.#attribute === other.#attribute)) &&
      this.#joinSub(other.#sub);
    return same ? undefined : `${this.describe()} and ${other.describe()}`;
  }

  describe(): string {
    if (inTag(this.#mode)) return `in the tag <${this.#tag}>`;
    switch (this.#mode) {
      case "value":
      case "before-value":
        return `in the value of ${this.#attribute ?? "an attribute"}`;
      case "data":
        return this.#pending === "" ? "in text" : `after "${this.#pending}"`;
      case "comment":
        return "in a comment";
      case "text":
      case "raw":
      case "script":
      case "style":
        return `in <${this.#tag}>${this.#sub instanceof CodeLexer && this.#sub.mode !== "code" ? " within a string or comment" : ""}`;
      default:
        return "in a declaration";
    }
  }

  #joinTag(other: HtmlState): string | undefined {
    if (this.#tag !== other.#tag && this.#mode !== "tag-name" && other.#mode !== "tag-name") {
      return `${this.describe()} and ${other.describe()}`;
    }
    if (this.#mode === other.#mode && this.#attribute === other.#attribute && this.#tag === other.#tag)
      return undefined;
    if (this.#type !== other.#type) this.#type = undefined;
    const modes = new Set([this.#mode, other.#mode]);
    if (modes.has("tag-name") || modes.has("merged")) {
      this.#mode = "merged";
      if (this.#tag.length > other.#tag.length) this.#tag = other.#tag;
    } else if (modes.has("attribute")) {
      this.#mode = "attribute";
      this.#attribute = undefined;
    } else if (modes.has("after-attribute")) {
      this.#mode = "after-attribute";
      this.#attribute = undefined;
    } else this.#mode = "before-attribute";
    return undefined;
  }

  #joinSub(other: Sub | undefined): boolean {
    const own = this.#sub;
    if (own === undefined || other === undefined) return own === other;
    if (own instanceof CodeLexer) return other instanceof CodeLexer && own.join(other);
    if (own instanceof CssLexer) return other instanceof CssLexer && own.join(other);
    return other instanceof UrlState && own.join(other);
  }

  #read(char: string): void {
    switch (this.#mode) {
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
        if (char === ">") this.#mode = "data";
        return;
      case "comment":
        this.#comment(char);
        return;
      case "cdata":
        this.#pending = (this.#pending + char).slice(-3);
        if (this.#pending === "]]>") this.#to("data");
        return;
      case "value":
        this.#value(char);
        return;
      default:
        this.#inTag(char);
        return;
    }
  }

  /** All that has come since the last value at once: what a slash is, the text before and after it decides. */
  #drain(): void {
    const text = this.#unread;
    const sub = this.#sub;
    this.#unread = "";
    if (sub === undefined || text === "") return;
    sub.feed(text);
    // A character reference: what the browser makes of it is not looked up.
    if (this.#mode === "value" && !(sub instanceof UrlState) && /&(?:[#a-z]|$)/i.test(text)) sub.lost = true;
  }

  #to(mode: Mode): void {
    this.#mode = mode;
    this.#pending = "";
  }

  /** [HTML §13.2.5.1, §13.2.5.6–7, §13.2.5.42] */
  #data(char: string): void {
    const read = this.#pending + char;
    if (
      read === "<" ||
      read === "</" ||
      read === "<!" ||
      read === "<!-" ||
      /^<!\[(?:C(?:D(?:A(?:T(?:A)?)?)?)?)?$/.test(read)
    ) {
      this.#pending = read;
      return;
    }
    if (/^<\/?[a-z]$/i.test(read) || (this.#xml && /^<\/?[_:\u0080-\uffff]$/.test(read))) {
      this.#to("tag-name");
      this.#tag = char.toLowerCase();
      this.#closing = read.length === 3;
      this.#type = "";
      return;
    }
    if (read === "<!--") {
      this.#to("comment");
      // `<!-->` and `<!--->` are whole comments.
      this.#pending = "--";
      return;
    }
    if (read === "<![CDATA[") {
      this.#to("cdata");
      return;
    }
    if (read === "<?" || /^<\/[^>]$/.test(read) || /^<!.+$/s.test(read)) {
      this.#to("declaration");
      if (char === ">") this.#mode = "data";
      return;
    }
    this.#pending = char === "<" ? "<" : "";
  }

  /** [HTML §13.2.5.43–52] */
  #comment(char: string): void {
    const read = (this.#pending + char).slice(-4);
    if (/(?:--|--!)>$/.test(read)) {
      this.#to("data");
      return;
    }
    this.#pending = /-{1,2}!?$/.exec(read)?.[0] ?? "";
  }

  /** Elements whose content is text until their own end tag. [HTML §13.2.5.2–5] */
  #element(char: string): void {
    const read = this.#pending + char;
    const end = `</${this.#tag}`;
    if (read.toLowerCase() === end.slice(0, read.length)) {
      this.#pending = read;
      return;
    }
    const isEnd =
      read.length === end.length + 1 &&
      read.slice(0, -1).toLowerCase() === end &&
      (char === "/" || char === ">" || SPACE.test(char));
    if (isEnd && this.#escaped !== "double" && this.#tag !== "plaintext") {
      this.#leave();
      this.#escaped = "no";
      this.#closing = true;
      this.#to("tag-name");
      this.#inTag(char);
      return;
    }
    if (this.#tag === "script") this.#escape(read, isEnd);
    this.#pending = "";
    // What looked like the end tag is content; a `<` in it may begin the real one.
    const content = char === "<" ? read.slice(0, -1) : read;
    if (char === "<") this.#pending = "<";
    this.#unread += content;
    if (this.#tag === "script") this.#recent = (this.#recent + content).slice(-8);
  }

  #escape(read: string, isEnd: boolean): void {
    const seen = (this.#recent + read).toLowerCase();
    if (this.#escaped === "no" && seen.endsWith("<!--")) this.#escaped = "yes";
    else if (this.#escaped !== "no" && seen.endsWith("-->")) this.#escaped = "no";
    else if (this.#escaped === "yes" && /<script[\s/>]$/.test(seen)) this.#escaped = "double";
    else if (this.#escaped === "double" && isEnd) this.#escaped = "yes";
  }

  /** [HTML §13.2.5.8, §13.2.5.32–40] */
  #inTag(char: string): void {
    if (char === ">") {
      this.#endTag();
      return;
    }
    if (this.#mode === "before-value") {
      if (char === '"' || char === "'") this.#openValue(char);
      else if (!SPACE.test(char)) this.#openValue(" ", char);
    } else if (char === "/") this.#mode = "before-attribute";
    else if (SPACE.test(char)) {
      if (this.#mode === "attribute") this.#mode = "after-attribute";
      else if (this.#mode !== "after-attribute") this.#mode = "before-attribute";
    } else if (char === "=" && (this.#mode === "attribute" || this.#mode === "after-attribute")) {
      this.#mode = "before-value";
    } else if (this.#mode === "tag-name") this.#tag += char.toLowerCase();
    else if (this.#mode === "merged") this.#mode = "lost";
    else if (this.#mode === "attribute") {
      if (this.#attribute !== undefined) this.#attribute += char.toLowerCase();
    } else {
      this.#mode = "attribute";
      this.#attribute = char.toLowerCase();
    }
  }

  #openValue(quote: string, first = ""): void {
    this.#mode = "value";
    this.#quote = quote;
    const kind = this.#attribute === undefined || this.#xml ? "text" : attributeKind(this.#tag, this.#attribute);
    this.#sub =
      kind === "url"
        ? new UrlState()
        : kind === "script"
          ? new CodeLexer(true)
          : kind === "style"
            ? new CssLexer()
            : undefined;
    // [HTML §13.2.5.33] Of two attributes with one name the first counts.
    if (this.#isType()) this.#type = this.#type === "" ? "" : undefined;
    if (first !== "") this.#value(first);
  }

  #value(char: string): void {
    const ends = this.#quote === " " ? char === ">" || SPACE.test(char) : char === this.#quote;
    if (ends) {
      this.#leave();
      this.#mode = this.#quote === " " ? "before-attribute" : "after-value";
      this.#quote = "";
      if (char === ">") this.#endTag();
      return;
    }
    if (this.#isType() && this.#type !== undefined) this.#type += char;
    if (this.#sub !== undefined) this.#unread += char;
  }

  #isType(): boolean {
    return this.#tag === "script" && this.#attribute === "type";
  }

  #leave(): void {
    this.#sub = undefined;
    this.#unread = "";
  }

  #endTag(): void {
    this.#leave();
    this.#quote = "";
    this.#to("data");
    if (this.#closing || this.#xml) return;
    const tag = this.#tag;
    this.#recent = "";
    if (tag === "script") {
      this.#mode = "script";
      const isCode = this.#type !== undefined && SCRIPT_TYPES.test(this.#type.trim());
      this.#sub = isCode ? new CodeLexer(true) : undefined;
    } else if (tag === "style") {
      this.#mode = "style";
      this.#sub = new CssLexer();
    } else if (TEXT_ELEMENTS.has(tag)) this.#mode = "text";
    else if (RAW_ELEMENTS.has(tag)) this.#mode = "raw";
  }

  #valueContext(): ValueContext {
    if (this.#quote === " ") {
      const hint = `Put quotes around it: ${this.#attribute ?? "name"}="<%= … %>".`;
      return { kind: "none", what: "in an attribute's value without quotes", hint };
    }
    if (this.#attribute === undefined) {
      return {
        kind: "none",
        what: "in an attribute whose name depends on the page's code",
        hint: "Write whole attributes in each branch.",
      };
    }
    if (this.#attribute === "srcdoc" && !this.#xml) {
      const hint = `Its value is a document inside of an attribute. ${RAW_HINT}`;
      return { kind: "none", what: "in srcdoc", hint };
    }
    if (this.#isType()) {
      return { kind: "none", what: "as the type of a <script>", hint: "The page has to say what the script is." };
    }
    return this.#sub === undefined ? { kind: "html", attribute: true } : this.#subContext(true);
  }

  #subContext(attribute: boolean): ValueContext {
    const sub = this.#sub;
    const where = attribute ? `in ${this.#attribute}` : this.#tag === "\0" ? "here" : `in this <${this.#tag}>`;
    const none = (what: string, hint: string): ValueContext => ({ kind: "none", what, hint });
    if (sub === undefined) return none(`${where}, whose type is not known`, RAW_HINT);
    if (sub instanceof UrlState) {
      if (sub.phase === "refused") return none(`in this address: ${sub.reason}`, RAW_HINT);
      const kind = { start: "url", open: "url-part", fixed: "html" } as const;
      return { kind: kind[sub.phase], attribute };
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
}

function inTag(mode: Mode): boolean {
  return ["tag-name", "before-attribute", "attribute", "after-attribute", "after-value", "merged"].includes(mode);
}

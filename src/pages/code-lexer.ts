// Reads JavaScript and TypeScript as far as needed to know what is code and what is a string, a template, a
// comment or a regular expression, and which brackets are open. It can be fed piece by piece: the code of
// one tag, or the text of a <script> between values. No syntax is judged here; that is the transpiler's.

export type CodeMode =
  | "code"
  | "single"
  | "double"
  | "template"
  | "line-comment"
  | "block-comment"
  | "regex"
  | "regex-class";

/** What an open brace encloses: text in it may await, or may not, or belongs to a switch before its first case. */
export type BraceKind = "block" | "switch" | "sync" | "async" | "template";

interface Bracket {
  readonly char: "(" | "[" | "{";
  readonly brace: BraceKind | undefined;
  /** The word before a parenthesis: if, for, while … */
  readonly control: string | undefined;
  /** The function whose parameters stand in this parenthesis. */
  readonly fn: "sync" | "async" | undefined;
}

/** `ask`: it may be either, and only the author knows. */
type Slash = "regex" | "division" | "ask";

const WORD = /[\p{ID_Continue}$\u200c\u200d]+/uy;
const CONTROL = new Set(["if", "for", "while", "switch", "with", "catch"]);
/** A slash after these begins a regular expression. */
const BEFORE_OPERAND = new Set(
  "return typeof instanceof in of new delete void throw case do else await yield".split(" "),
);

export class CodeLexer {
  mode: CodeMode = "code";
  /** What is read cannot be told any more: a string that is not closed on its line, an ambiguous slash. */
  lost = false;
  /** Where, in the piece that was fed last, the present string, template, comment or expression began. */
  openedAt = 0;
  /** Brackets that were opened and not closed, outermost first. */
  readonly open: Bracket[] = [];
  /** Braces that were closed and had been opened before the first piece. */
  closed = 0;
  /** The same of parentheses and square brackets. */
  closedOthers = 0;
  /** The last token: a word, a sign, or "value" for a literal; "" at the beginning. */
  previous = "";
  first = "";
  /** Every word of the code, and "=>". */
  readonly words = new Set<string>();
  #beforePrevious = "";
  #lastParenthesis: Bracket | undefined;
  #pendingFunction: "sync" | "async" | undefined;
  #arrow: "sync" | "async" = "sync";
  #escaped = false;
  #lineStart = true;
  readonly #strict: boolean;

  /** `strict` gives up where a slash could mean two things; otherwise the likelier one is taken. */
  constructor(strict: boolean) {
    this.#strict = strict;
  }

  /** `if (…)`, `else` and the like were read last, and no brace. */
  get endsInControl(): boolean {
    const { previous } = this;
    if (previous !== ")") return previous === "else" || previous === "do";
    const control = this.#lastParenthesis?.control;
    return control !== undefined && control !== "switch" && control !== "catch";
  }

  /** A backslash was read, and what it escapes was not. */
  get isEscaping(): boolean {
    return this.#escaped;
  }

  clone(): CodeLexer {
    const copy = new CodeLexer(this.#strict);
    copy.mode = this.mode;
    copy.lost = this.lost;
    copy.open.push(...this.open);
    copy.closed = this.closed;
    copy.closedOthers = this.closedOthers;
    copy.previous = this.previous;
    copy.first = this.first;
    copy.#beforePrevious = this.#beforePrevious;
    copy.#lastParenthesis = this.#lastParenthesis;
    copy.#pendingFunction = this.#pendingFunction;
    copy.#arrow = this.#arrow;
    copy.#escaped = this.#escaped;
    copy.#lineStart = this.#lineStart;
    return copy;
  }

  /** After two ways to here: whether both are in the same kind of text. What differs otherwise is forgotten. */
  join(other: CodeLexer): boolean {
    const depth = (lexer: CodeLexer): number => lexer.open.filter(({ brace }) => brace === "template").length;
    if (this.mode !== other.mode || depth(this) !== depth(other) || this.#escaped !== other.#escaped) return false;
    this.lost ||= other.lost;
    if (this.#slash() !== other.#slash()) this.previous = "?";
    return true;
  }

  /** A literal was put here that is not part of any piece. */
  value(): void {
    this.#token("value");
    this.#lineStart = false;
  }

  /**
   * Reads `text` from `from`, and returns where it stopped: at the end, or at the first `stop` that is not part
   * of a string, template, block comment or regular expression. A lexer that is not strict stops where it is lost.
   */
  feed(text: string, from = 0, stop?: string): number {
    let at = from;
    while (at < text.length && (this.#strict || !this.lost)) {
      if (stop !== undefined && (this.mode === "code" || this.mode === "line-comment") && text.startsWith(stop, at)) {
        return at;
      }
      at = this.mode === "code" ? this.#code(text, at, stop) : this.#inside(text, at);
    }
    return at;
  }

  #inside(text: string, at: number): number {
    const char = text[at] as string;
    if (this.mode === "line-comment") {
      if (isNewline(char)) this.#back();
      return at + 1;
    }
    if (this.mode === "block-comment") {
      if (!text.startsWith("*/", at)) return at + 1;
      this.mode = "code";
      return at + 2;
    }
    if (this.#escaped) {
      this.#escaped = false;
      return at + (char === "\r" && text[at + 1] === "\n" ? 2 : 1);
    }
    if (char === "\\") {
      this.#escaped = true;
      return at + 1;
    }
    switch (this.mode) {
      case "template":
        if (char === "`") this.#literal();
        else if (text.startsWith("${", at)) {
          this.open.push({ char: "{", brace: "template", control: undefined, fn: undefined });
          this.mode = "code";
          this.#token("{");
          return at + 2;
        }
        return at + 1;
      case "regex-class":
        if (char === "]") this.mode = "regex";
        break;
      case "regex":
        if (char === "/") this.#literal();
        else if (char === "[") this.mode = "regex-class";
        break;
      default:
        if (char === (this.mode === "single" ? "'" : '"')) this.#literal();
    }
    // [ECMA-262 §12.9.4] U+2028 and U+2029 may stand in a string.
    if (char === "\n" || char === "\r") {
      this.lost = true;
      this.mode = "code";
    }
    return at + 1;
  }

  #code(text: string, at: number, stop: string | undefined): number {
    const char = text[at] as string;
    if (/\s/.test(char)) {
      if (isNewline(char)) this.#lineStart = true;
      return at + 1;
    }
    WORD.lastIndex = at;
    const word = WORD.exec(text)?.[0];
    if (word !== undefined) {
      this.#word(word);
      return at + word.length;
    }
    if (char === "'" || char === '"' || char === "`") {
      this.#enter(char === "'" ? "single" : char === '"' ? "double" : "template", at);
      return at + 1;
    }
    if (char === "/") return this.#slashAt(text, at, stop);
    // [ECMA-262 §B.1.1] In scripts these begin comments, in modules they do not.
    if (this.#strict && (text.startsWith("<!--", at) || (this.#lineStart && text.startsWith("-->", at)))) {
      this.lost = true;
    }
    this.#lineStart = false;
    const two = text.slice(at, at + 2);
    if (two === "=>") {
      const previous = this.previous;
      const async = previous === ")" ? this.#lastParenthesis?.fn === "async" : this.#beforePrevious === "async";
      this.#arrow = async ? "async" : "sync";
      this.#pendingFunction = undefined;
      this.words.add("=>");
      this.#token("=>");
      return at + 2;
    }
    if (two === "++" || two === "--" || two === "?.") {
      this.#token(two);
      return at + 2;
    }
    this.#sign(char);
    return at + 1;
  }

  #word(word: string): void {
    if (word === "function") this.#pendingFunction = this.previous === "async" ? "async" : "sync";
    this.words.add(word);
    this.#token(word);
    this.#lineStart = false;
  }

  #sign(char: string): void {
    switch (char) {
      case ";":
        this.#pendingFunction = undefined;
        break;
      case "*":
        // A generator's `yield` takes no text.
        if (this.previous === "function") this.#pendingFunction = "sync";
        break;
      case "(": {
        const before = this.previous;
        const control = CONTROL.has(before) || (before === "await" && this.#beforePrevious === "for");
        const fn = control ? undefined : (this.#pendingFunction ?? (before === "async" ? "async" : undefined));
        this.#pendingFunction = undefined;
        this.open.push({ char, brace: undefined, control: control ? before : undefined, fn });
        break;
      }
      case "[":
        this.open.push({ char, brace: undefined, control: undefined, fn: undefined });
        break;
      case "{":
        this.open.push({ char, brace: this.#braceKind(), control: undefined, fn: undefined });
        this.#pendingFunction = undefined;
        break;
      case ")":
      case "]":
      case "}":
        this.#close(char);
        if (this.mode === "template") return;
        break;
    }
    this.#token(char);
  }

  #braceKind(): BraceKind {
    if (this.previous === "=>") return this.#arrow;
    if (this.#pendingFunction !== undefined) return this.#pendingFunction;
    if (this.previous !== ")") return "block";
    const control = this.#lastParenthesis?.control;
    if (control === undefined) return "sync";
    return control === "switch" ? "switch" : "block";
  }

  #close(char: ")" | "]" | "}"): void {
    const bracket = this.open.pop();
    if (bracket === undefined) {
      if (char === "}") this.closed += 1;
      else this.closedOthers += 1;
      this.#lastParenthesis = undefined;
      return;
    }
    if (char === ")") {
      this.#lastParenthesis = bracket;
      // What follows may be a return type before the function's body.
      if (this.previous !== "async" && bracket.fn !== undefined) this.#pendingFunction = bracket.fn;
    }
    if (bracket.brace === "template") this.mode = "template";
  }

  #slashAt(text: string, at: number, stop: string | undefined): number {
    const next = text[at + 1];
    if (next === "/" || next === "*") {
      this.#enter(next === "/" ? "line-comment" : "block-comment", at);
      return at + 2;
    }
    const slash = this.#slash();
    // The piece ends here, and what follows decides.
    if (this.#strict && next === undefined) this.lost = true;
    if (slash === "ask" && this.#strict) this.lost = true;
    const isRegex = slash === "regex" || (slash === "ask" && !this.#strict);
    if (isRegex && (this.#strict || closesRegex(text, at, stop))) {
      this.#enter("regex", at);
      return at + 1;
    }
    this.#lineStart = false;
    this.#token("/");
    return at + 1;
  }

  #slash(): Slash {
    const { previous } = this;
    if (previous === "") return "regex";
    if (previous === "?" || previous === "}") return "ask";
    if (previous === ")") return this.#lastParenthesis?.control === undefined ? "division" : "regex";
    if (previous === "]" || previous === "value" || previous === "++" || previous === "--") return "division";
    if (/^[\p{ID_Continue}$]/u.test(previous)) return BEFORE_OPERAND.has(previous) ? "regex" : "division";
    return "regex";
  }

  #enter(mode: CodeMode, at: number): void {
    this.mode = mode;
    this.openedAt = at;
  }

  #literal(): void {
    this.mode = "code";
    this.#token("value");
    this.#lineStart = false;
  }

  #back(): void {
    this.mode = "code";
    this.#lineStart = true;
  }

  #token(token: string): void {
    if (this.first === "") this.first = token;
    this.#beforePrevious = this.previous;
    this.previous = token;
  }
}

/** Whether a regular expression that begins at `at` ends before its line, or the tag, does. */
function closesRegex(text: string, at: number, stop: string | undefined): boolean {
  const rest = text.slice(at + 1);
  const regex = /^(?:[^\\/[\r\n]|\\[^\r\n]|\[(?:[^\]\\\r\n]|\\[^\r\n])*\])+\//.exec(rest);
  if (regex === null) return false;
  // `a / b %> … </p>` is a division whose tag ends.
  return stop === undefined || !regex[0].includes(stop) || !/\s%>/.test(regex[0]);
}

function isNewline(char: string): boolean {
  return char === "\n" || char === "\r" || char === "\u2028" || char === "\u2029";
}

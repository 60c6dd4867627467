// Reads JavaScript and TypeScript as far as needed to know what is code and what is a string, a template, a
// comment or a regular expression, and which brackets are open. It can be fed piece by piece: the code of
// one tag, or the text of a <script> between values. No syntax is judged here; that is the transpiler's.

import { BEFORE_NAME, Brackets } from "./brackets.ts";

export type CodeMode =
  | "code"
  | "single"
  | "double"
  | "template"
  | "line-comment"
  | "block-comment"
  | "regex"
  | "regex-class";

/** `ask`: it may be either, and only the author knows. */
type Slash = "regex" | "division" | "ask";

const WORD = /[\p{ID_Continue}$\u200c\u200d]+/uy;
/** A slash after these begins a regular expression. */
const BEFORE_OPERAND = new Set(
  "return typeof instanceof in of new delete void throw case do else default extends await yield".split(" "),
);

/** In scripts that are no modules these may be names. */
const NAMES_TOO = new Set(["of", "await", "yield"]);
const IS_WORD = /^[\p{ID_Continue}$]/u;

export class CodeLexer {
  mode: CodeMode = "code";
  /** What is read cannot be told any more: a string that is not closed on its line, an ambiguous slash. */
  lost = false;
  /** Where, in the piece that was fed last, the present string, template, comment or expression began. */
  openedAt = 0;
  brackets = new Brackets();
  /** The last token: a word, a sign, or "value" for a literal; "" at the beginning. */
  previous = "";
  first = "";
  /** Every word of the code, and "=>". */
  readonly words = new Set<string>();
  #beforePrevious = "";
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
    const control = this.brackets.lastControl;
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
    copy.brackets = this.brackets.clone();
    copy.previous = this.previous;
    copy.first = this.first;
    copy.#beforePrevious = this.#beforePrevious;
    copy.#escaped = this.#escaped;
    copy.#lineStart = this.#lineStart;
    return copy;
  }

  /** Whether every text that follows means the same to both. */
  equals(other: CodeLexer): boolean {
    return this.#isWhere(other) && this.lost === other.lost && this.#slash() === other.#slash();
  }

  /** After two ways to here: whether both are in the same kind of text. What differs otherwise is forgotten. */
  join(other: CodeLexer): boolean {
    if (!this.#isWhere(other)) return false;
    this.lost ||= other.lost;
    if (this.#slash() !== other.#slash()) this.previous = "?";
    return true;
  }

  #isWhere(other: CodeLexer): boolean {
    return (
      this.mode === other.mode &&
      this.brackets.templates === other.brackets.templates &&
      this.#escaped === other.#escaped
    );
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
          this.brackets.openTemplate();
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
      this.words.add(two);
      this.#bracket(two);
      return at + 2;
    }
    if (two === "++" || two === "--" || two === "?.") {
      this.#token(two);
      return at + 2;
    }
    if (text.startsWith("...", at)) {
      this.#token("...");
      return at + 3;
    }
    this.#sign(char);
    return at + 1;
  }

  #word(word: string): void {
    this.words.add(word);
    this.#bracket(word);
    this.#lineStart = false;
  }

  #sign(char: string): void {
    if (char === ")" || char === "]" || char === "}") {
      const closed = this.brackets.close(char, this.previous);
      if (closed?.brace === "template") {
        this.mode = "template";
        return;
      }
      this.#token(char);
    } else this.#bracket(char);
  }

  #bracket(token: string): void {
    this.brackets.read(token, this.previous, this.#beforePrevious);
    this.#token(token);
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
    if (previous === ")") return this.brackets.lastControl === undefined ? "division" : "regex";
    // `1./2`, and `it.of / 2`: after a dot a word is a name.
    const before = this.#beforePrevious;
    if (previous === "." || (BEFORE_NAME.has(before) && IS_WORD.test(previous))) return "division";
    if (previous === "]" || previous === "value" || previous === "++" || previous === "--") return "division";
    if (NAMES_TOO.has(previous)) return "ask";
    if (IS_WORD.test(previous)) return BEFORE_OPERAND.has(previous) ? "regex" : "division";
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

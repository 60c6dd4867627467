// A page's text → its parts: what is HTML, what is code, what is a directive. Includes and layouts are not
// followed here, and HTML is not looked into.

import type { BraceKind } from "./brackets.ts";
import { CodeLexer } from "./code-lexer.ts";
import { PageMistake, type SourceFile } from "./source.ts";

interface Placed {
  readonly file: SourceFile;
  /** Where `text` or `code` begins; of a directive, its tag. */
  readonly at: number;
}

export interface TextPart extends Placed {
  readonly kind: "text";
  readonly text: string;
}

export interface CodePart extends Placed {
  readonly kind: "code";
  readonly code: string;
  readonly shape: CodeShape;
}

export interface ValuePart extends Placed {
  readonly kind: "value";
  readonly code: string;
  readonly raw: boolean;
}

export interface DeclarationPart extends Placed {
  readonly kind: "declaration";
  readonly code: string;
}

export interface DirectivePart extends Placed {
  readonly kind: "directive";
  readonly name: DirectiveName;
  /** Value and its place. A name without a value has "". */
  readonly attributes: ReadonlyMap<string, { readonly value: string; readonly at: number }>;
}

export type Part = TextPart | CodePart | ValuePart | DeclarationPart | DirectivePart;

/** How the code of one tag changes what stands open around the text that follows. */
export interface CodeShape {
  /** Braces of earlier tags that it closes, before it opens its own. */
  readonly closes: number;
  readonly opens: readonly BraceKind[];
  readonly first: string;
  readonly last: string;
  /** It ends in `if (…)`, `else` and the like, without the brace. */
  readonly isBraceless: boolean;
  /** It may leave a loop or the page by itself. */
  readonly jumps: "none" | "loop" | "page";
  /** It does so whatever happens. */
  readonly leaves: boolean;
  /** What it opens may run several times: a loop's body, a function's. */
  readonly repeats: boolean;
  /** It begins, or goes on after its closing brace, with else, catch or finally. */
  readonly continues: boolean;
  /** It has `case` or `default`. */
  readonly hasLabels: boolean;
}

export const DIRECTIVES = {
  page: ["type", "status", "session"],
  include: ["file"],
  layout: ["file"],
  block: ["name"],
  slot: ["name", "default"],
  end: [],
} as const;

export type DirectiveName = keyof typeof DIRECTIVES;

const OPENING = "<%";
const CLOSING = "%>";
/** `<\%` is how a page says `<%`. */
const ESCAPED = "<\\%";

/** Throws PageMistake. */
export function partsOf(file: SourceFile): Part[] {
  return new Parser(file).parts();
}

class Parser {
  readonly #file: SourceFile;
  readonly #text: string;
  readonly #parts: Part[] = [];
  /** Where the text that is not yet a part begins. */
  #from = 0;

  constructor(file: SourceFile) {
    this.#file = file;
    this.#text = file.text;
  }

  parts(): Part[] {
    const text = this.#text;
    for (let at = text.indexOf(OPENING); at !== -1; at = text.indexOf(OPENING, this.#from)) this.#tag(at);
    this.#html(text.length);
    return this.#parts;
  }

  #tag(at: number): void {
    const inside = at + OPENING.length;
    if (this.#text.startsWith("--", inside)) {
      const end = this.#text.indexOf("--%>", inside + 2);
      if (end === -1) throw new PageMistake(this.#file, at, "the comment is not closed", "It ends with --%>.");
      this.#standing(at, end + 4);
      return;
    }
    switch (this.#text[inside]) {
      case "=":
        this.#value(at, inside + 1, false);
        return;
      case "-":
        this.#value(at, inside + 1, true);
        return;
      case "@":
        this.#directive(at, inside + 1);
        return;
      case "!": {
        const { code, end } = this.#code(at, inside + 1);
        this.#standing(at, end, { kind: "declaration", file: this.#file, at: inside + 1, code });
        return;
      }
      default: {
        const { code, end, lexer } = this.#code(at, inside);
        this.#standing(at, end, { kind: "code", file: this.#file, at: inside, code, shape: shapeOf(code, lexer) });
      }
    }
  }

  #value(at: number, from: number, raw: boolean): void {
    const { code, end, lexer } = this.#code(at, from);
    if (lexer.first === "") {
      throw new PageMistake(this.#file, at, "the tag has no expression", "Write <%= name %>, or <% code %>.");
    }
    if (isUnbalanced(lexer)) {
      const hint = "Statements that go on in another tag, such as loops, belong into <% … %>.";
      throw new PageMistake(this.#file, at, "the expression opens or closes a bracket of another tag", hint);
    }
    this.#html(at);
    // As people write it from habit.
    const trimmed = lexer.previous === ";" ? code.replace(/;(\s*)$/, " $1") : code;
    this.#parts.push({ kind: "value", file: this.#file, at: from, code: trimmed, raw });
    this.#from = end;
  }

  /** The code of a tag, and where the tag ends. A line comment at its end is blanked: more follows on its line. */
  #code(at: number, from: number): { code: string; end: number; lexer: CodeLexer } {
    const text = this.#text;
    const lexer = new CodeLexer(false);
    const until = lexer.feed(text, from, CLOSING);
    if (lexer.lost) throw new PageMistake(this.#file, lexer.openedAt, "the string is not closed on its line");
    if (until >= text.length) throw this.#unclosed(at, lexer);
    const code = text.slice(from, until);
    const shown = lexer.mode === "line-comment" ? blanked(code, lexer.openedAt - from) : code;
    return { code: shown, end: until + CLOSING.length, lexer };
  }

  #unclosed(at: number, { mode, openedAt }: CodeLexer): PageMistake {
    const inside = { template: "template literal", "block-comment": "comment", regex: "regular expression" };
    const what = Object.hasOwn(inside, mode) ? inside[mode as keyof typeof inside] : undefined;
    if (what === undefined) return new PageMistake(this.#file, at, "the tag is not closed", "It ends with %>.");
    return new PageMistake(
      this.#file,
      openedAt,
      `the ${what} is not closed`,
      "A %> inside of it does not end the tag.",
    );
  }

  #directive(at: number, from: number): void {
    const NAME = /\s*([\w-]*)/y;
    const ATTRIBUTE = /\s+([\w-]+)(?:\s*=\s*("[^"]*"|'[^']*'))?/y;
    const END = /\s*%>/y;
    const [whole = "", written = ""] = matchAt(NAME, this.#text, from) ?? [];
    if (!Object.hasOwn(DIRECTIVES, written)) {
      const hint = `There are ${Object.keys(DIRECTIVES).join(", ")}.`;
      throw new PageMistake(this.#file, at, `there is no directive "${written}"`, hint);
    }
    const name = written as DirectiveName;
    const attributes = new Map<string, { value: string; at: number }>();
    let next = from + whole.length;
    for (let found = matchAt(ATTRIBUTE, this.#text, next); found !== undefined; ) {
      const [matched, key = "", quoted = '""'] = found;
      this.#checkAttribute(name, key, next, attributes);
      attributes.set(key, { value: quoted.slice(1, -1), at: next + matched.length - quoted.length + 1 });
      next += matched.length;
      found = matchAt(ATTRIBUTE, this.#text, next);
    }
    const end = matchAt(END, this.#text, next);
    if (end === undefined) {
      const hint = `Attributes are written name="value", and the directive ends with %>.`;
      throw new PageMistake(this.#file, next, `the directive "${name}" cannot be read from here`, hint);
    }
    this.#standing(at, next + end[0].length, { kind: "directive", file: this.#file, at, name, attributes });
  }

  #checkAttribute(name: DirectiveName, key: string, at: number, known: ReadonlyMap<string, unknown>): void {
    const allowed: readonly string[] = DIRECTIVES[name];
    if (!allowed.includes(key)) {
      const hint = allowed.length === 0 ? "It has none." : `It has ${allowed.join(", ")}.`;
      throw new PageMistake(this.#file, at, `the directive "${name}" has no attribute "${key}"`, hint);
    }
    if (known.has(key)) throw new PageMistake(this.#file, at, `"${key}" is given twice`);
  }

  /** A tag that writes nothing takes its line with it, if it stands alone there. */
  #standing(at: number, end: number, part?: Part): void {
    const text = this.#text;
    const before = /(?:^|[\r\n])([ \t]*)$/.exec(text.slice(this.#from, at));
    const after = /[ \t]*(?:\r\n|\n|\r|$)/y;
    const begins =
      before !== null && (this.#from === 0 || before[0].length > (before[1]?.length ?? 0) || this.#atLineStart());
    const rest = begins ? matchAt(after, text, end) : undefined;
    this.#html(rest === undefined ? at : at - (before?.[1]?.length ?? 0));
    if (part !== undefined) this.#parts.push(part);
    this.#from = end + (rest?.[0].length ?? 0);
  }

  #atLineStart(): boolean {
    return /[\r\n]/.test(this.#text[this.#from - 1] ?? "");
  }

  #html(until: number): void {
    if (until > this.#from) {
      const text = this.#text.slice(this.#from, until).replaceAll(ESCAPED, OPENING);
      this.#parts.push({ kind: "text", file: this.#file, at: this.#from, text });
    }
    this.#from = until;
  }
}

export function isBlank(text: string): boolean {
  return text.trim() === "";
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function blanked(code: string, from: number): string {
  return code.slice(0, from) + " ".repeat(code.length - from);
}

function isUnbalanced({ brackets }: CodeLexer): boolean {
  return brackets.open.length > 0 || brackets.closed > 0 || brackets.closedOthers > 0;
}

function shapeOf(code: string, lexer: CodeLexer): CodeShape {
  const opens = lexer.brackets.open.flatMap(({ brace }) => (brace === undefined ? [] : [brace]));
  const { words, previous } = lexer;
  const calls = words.has("function") || words.has("=>");
  const jumps = calls
    ? "none"
    : words.has("return")
      ? "page"
      : words.has("break") || words.has("continue")
        ? "loop"
        : "none";
  return {
    closes: lexer.brackets.closed,
    opens,
    first: lexer.first,
    last: previous,
    isBraceless: lexer.endsInControl,
    jumps,
    leaves: jumps !== "none" && !words.has("if") && !/[?&|]/.test(code),
    repeats: calls || ["for", "while", "do"].some((word) => words.has(word)),
    continues: /^[\s}]*(?:else|catch|finally)\b/.test(code),
    hasLabels: words.has("case") || words.has("default"),
  };
}

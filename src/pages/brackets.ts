// The brackets of code that a lexer has open, and whose they are: a function's body, a block, a switch. What
// decides that stands before the bracket.

/** What an open brace encloses: text in it may await, or may not, or belongs to a switch before its first case. */
export type BraceKind = "block" | "switch" | "sync" | "async" | "template";

export interface Bracket {
  readonly char: "(" | "[" | "{";
  readonly brace: BraceKind | undefined;
  /** The word before a parenthesis: if, for, while … */
  readonly control: string | undefined;
  /** The function whose parameters stand in this parenthesis. */
  readonly fn: "sync" | "async" | undefined;
}

/** The word that follows one of these is a name, whatever it says. */
export const BEFORE_NAME: ReadonlySet<string> = new Set([".", "?.", "#"]);

const CONTROL = new Set(["if", "for", "while", "switch", "with", "catch"]);

export class Brackets {
  /** Opened and not closed, outermost first. */
  readonly open: Bracket[] = [];
  /** Braces that were closed and had been opened before the first piece. */
  closed = 0;
  /** The same of parentheses and square brackets. */
  closedOthers = 0;
  #lastParenthesis: Bracket | undefined;
  /** A function whose body has not begun. */
  #function: "sync" | "async" | undefined;
  #arrow: "sync" | "async" = "sync";

  clone(): Brackets {
    const copy = new Brackets();
    copy.open.push(...this.open);
    copy.closed = this.closed;
    copy.closedOthers = this.closedOthers;
    copy.#lastParenthesis = this.#lastParenthesis;
    copy.#function = this.#function;
    copy.#arrow = this.#arrow;
    return copy;
  }

  /** Template literals around, counted by their open `${`. */
  get templates(): number {
    return this.open.filter(({ brace }) => brace === "template").length;
  }

  /** The word before the parentheses that were closed last: if, for, while … */
  get lastControl(): string | undefined {
    return this.#lastParenthesis?.control;
  }

  /** `previous` and the one before it are the tokens in front of the one that is read. */
  read(token: string, previous: string, beforePrevious: string): void {
    switch (token) {
      case "function":
        this.#function = previous === "async" ? "async" : "sync";
        return;
      case "*":
        // A generator's `yield` takes no text.
        if (previous === "function") this.#function = "sync";
        return;
      case ";":
        this.#function = undefined;
        return;
      case "=>": {
        const isAsync = previous === ")" ? this.#lastParenthesis?.fn === "async" : beforePrevious === "async";
        this.#arrow = isAsync ? "async" : "sync";
        this.#function = undefined;
        return;
      }
      case "(":
        this.#parenthesis(previous, beforePrevious);
        return;
      case "[":
        this.#push(token, undefined);
        return;
      case "{":
        this.#push(token, this.#braceKind(previous));
        this.#function = undefined;
    }
  }

  openTemplate(): void {
    this.#push("{", "template");
  }

  /** Returns what was open; undefined if it was opened before the first piece. */
  close(char: ")" | "]" | "}", previous: string): Bracket | undefined {
    const bracket = this.open.pop();
    if (bracket === undefined) {
      if (char === "}") this.closed += 1;
      else this.closedOthers += 1;
      this.#lastParenthesis = undefined;
    } else if (char === ")") {
      this.#lastParenthesis = bracket;
      // What follows may be a return type before the function's body.
      if (previous !== "async" && bracket.fn !== undefined) this.#function = bracket.fn;
    }
    return bracket;
  }

  #parenthesis(previous: string, beforePrevious: string): void {
    // `promise.catch(…)` is a call.
    const isControl =
      !BEFORE_NAME.has(beforePrevious) && (CONTROL.has(previous) || (previous === "await" && beforePrevious === "for"));
    const fn = isControl ? undefined : (this.#function ?? (previous === "async" ? "async" : undefined));
    this.#function = undefined;
    this.open.push({ char: "(", brace: undefined, control: isControl ? previous : undefined, fn });
  }

  #braceKind(previous: string): BraceKind {
    if (previous === "=>") return this.#arrow;
    if (this.#function !== undefined) return this.#function;
    if (previous !== ")") return "block";
    const control = this.lastControl;
    if (control === undefined) return "sync";
    return control === "switch" ? "switch" : "block";
  }

  #push(char: "[" | "{", brace: BraceKind | undefined): void {
    this.open.push({ char, brace, control: undefined, fn: undefined });
  }
}

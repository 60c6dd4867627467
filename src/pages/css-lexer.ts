// Reads CSS as far as needed to know where a value would land: in a declaration, a string or a comment.
// [CSS Syntax Level 3 §4]

export type CssMode = "code" | "single" | "double" | "comment" | "url";

export class CssLexer {
  mode: CssMode = "code";
  /** The present string is the address in `url(…)`. */
  isUrl = false;
  isEscaping = false;
  lost = false;
  /** The last characters of the code: enough to see `url(` and `/` before `*`. */
  #tail = "";

  clone(): CssLexer {
    return Object.assign(new CssLexer(), {
      mode: this.mode,
      isUrl: this.isUrl,
      isEscaping: this.isEscaping,
      lost: this.lost,
    }).#with(this.#tail);
  }

  #with(tail: string): CssLexer {
    this.#tail = tail;
    return this;
  }

  /** Whether every text that follows means the same to both. */
  equals(other: CssLexer): boolean {
    return this.lost === other.lost && this.#isWhere(other);
  }

  /** After two ways to here: whether both are in the same kind of text. */
  join(other: CssLexer): boolean {
    this.lost ||= other.lost;
    return this.#isWhere(other);
  }

  #isWhere(other: CssLexer): boolean {
    return this.mode === other.mode && this.isUrl === other.isUrl && this.isEscaping === other.isEscaping;
  }

  /** An identifier, number or the like was put here that is not part of any piece. */
  value(): void {
    this.#tail = "v";
  }

  feed(text: string): void {
    for (const char of text) this.#read(char);
  }

  #read(char: string): void {
    if (this.isEscaping) {
      this.isEscaping = false;
      return;
    }
    if (char === "\\" && this.mode !== "comment") {
      this.isEscaping = true;
      this.#tail = "";
      return;
    }
    switch (this.mode) {
      case "comment":
        if (char === "/" && this.#tail === "*") this.#code();
        else this.#tail = char;
        return;
      case "url":
        if (char === ")") this.#code();
        else if (char === '"' || char === "'") this.#string(char);
        // An address without quotes, which ends at the parenthesis.
        return;
      case "code":
        if (char === '"' || char === "'") {
          this.#string(char);
          return;
        }
        if (char === "*" && this.#tail.endsWith("/")) {
          this.mode = "comment";
          this.#tail = "";
          return;
        }
        this.#tail = (this.#tail + char).slice(-4).toLowerCase();
        if (this.#tail === "url(") this.mode = "url";
        return;
      default:
        if (char === (this.mode === "single" ? "'" : '"')) {
          if (this.isUrl) {
            this.isUrl = false;
            this.mode = "url";
          } else this.#code();
        } else if (/[\n\r\f]/.test(char)) {
          this.lost = true;
          this.#code();
        }
    }
  }

  #string(quote: string): void {
    this.isUrl = this.mode === "url";
    this.mode = quote === "'" ? "single" : "double";
  }

  #code(): void {
    this.mode = "code";
    this.#tail = "";
  }
}

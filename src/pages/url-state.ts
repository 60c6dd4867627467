// How far the text of an address has fixed its scheme, before a value comes.

/**
 * `start`: nothing but spaces yet. `root`: one slash; another one would make a host of what follows. `open`: something, but the scheme may still come. `fixed`: the page itself
 * has written the scheme, or that there is none. `refused`: no value is safe here any more. `refresh`: where
 * the content of a refresh begins.
 */
export type UrlPhase = "start" | "root" | "open" | "fixed" | "refused" | "refresh";

export class UrlState {
  phase: UrlPhase = "start";
  reason = "";
  /** What the page has written of it; undefined once a value is part of it. */
  #written: string | undefined = "";

  clone(): UrlState {
    return this.copyTo(new UrlState());
  }

  /** Whether every text that follows means the same in both. */
  equals(other: UrlState): boolean {
    return this.phase === other.phase;
  }

  join(other: UrlState): boolean {
    if (this.phase === other.phase && this.#written === other.#written) return true;
    if (isPath(this.phase) && isPath(other.phase)) {
      this.phase = this.phase === other.phase ? this.phase : "root";
    } else if (this.phase === "refused" || other.phase === "refused") {
      this.reason ||= other.reason;
      this.phase = "refused";
    } else this.phase = "open";
    this.#written = undefined;
    return true;
  }

  value(): void {
    if (this.phase === "start") this.phase = "open";
    this.#written = undefined;
  }

  feed(text: string): void {
    for (const char of text) {
      if (this.phase === "fixed" || this.phase === "refused") return;
      this.#read(char);
    }
  }

  protected copyTo<Copy extends UrlState>(copy: Copy): Copy {
    copy.phase = this.phase;
    copy.reason = this.reason;
    copy.#written = this.#written;
    return copy;
  }

  protected begin(): void {
    this.phase = "start";
    this.#written = "";
  }

  protected refuse(reason: string): void {
    this.phase = "refused";
    this.reason = reason;
  }

  #read(char: string): void {
    // Browsers leave these out wherever they stand in an address. [URL §4.4]
    if (/[\t\n\r]/.test(char) || (this.phase === "start" && char === " ")) return;
    const { phase } = this;
    this.phase = "open";
    if (phase === "start" && /[/\\]/.test(char)) this.phase = "root";
    else if (phase === "root" || /[/?#\\]/.test(char)) this.phase = "fixed";
    else if (char === "&") this.refuse("it holds a character reference");
    else if (char !== ":") this.#written = this.#written === undefined ? undefined : this.#written + char;
    else if (this.#written === undefined) this.refuse("its scheme comes from a value");
    else if (/^\s*(?:javascript|vbscript|data)$/i.test(this.#written)) this.refuse(`it begins with ${this.#written}:`);
    else this.phase = "fixed";
  }
}

function isPath(phase: UrlPhase): boolean {
  return phase === "root" || phase === "fixed";
}

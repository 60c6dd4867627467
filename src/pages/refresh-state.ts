// The content of a <meta http-equiv="refresh">: seconds, and the address that follows them. [HTML §4.2.5.3]
// Where the tag has not said yet what it is, its content may also be any text.

import { BEFORE_ADDRESS } from "./attributes.ts";
import { UrlState } from "./url-state.ts";

/** Not more than the number of seconds, in which a value may also bring what follows it. */
const SECONDS = /^[\s\d.]*$/;

export class RefreshState extends UrlState {
  /** What the page has written, a `0` for a value among the seconds; undefined once a value is part of the address. */
  #head: string | undefined = "";

  constructor() {
    super();
    this.phase = "refresh";
  }

  override clone(): RefreshState {
    const copy = this.copyTo(new RefreshState());
    copy.#head = this.#head;
    return copy;
  }

  override equals(other: UrlState): boolean {
    return super.equals(other) && other instanceof RefreshState && this.#head === other.#head;
  }

  override join(other: UrlState): boolean {
    if (other instanceof RefreshState && this.#head === other.#head) return super.join(other);
    this.refuse("the branches of the page's code write its seconds differently");
    return true;
  }

  override value(): void {
    if (this.phase === "refused") return;
    if (this.#head !== undefined && SECONDS.test(this.#head)) {
      this.#head += "0";
      this.phase = "open";
      return;
    }
    super.value();
    this.#head = undefined;
  }

  override feed(text: string): void {
    if (this.#head === undefined) {
      super.feed(text);
      return;
    }
    if (this.phase === "refused") return;
    this.#head += text;
    this.begin();
    if (SECONDS.test(this.#head)) this.phase = this.#head.trim() === "" ? "refresh" : "open";
    // Any other text: browsers do nothing with it.
    else if (/^\s*[^\s\d.&]/.test(this.#head)) this.phase = "fixed";
    else super.feed(this.#head.replace(BEFORE_ADDRESS, ""));
  }
}

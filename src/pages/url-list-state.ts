// The values of an animation: one after the other, with semicolons [SVG Animations §2.10]. Where it animates an
// address, each of them is one.

import { UrlState } from "./url-state.ts";

export class UrlListState extends UrlState {
  #lost = false;

  override clone(): UrlListState {
    const copy = this.copyTo(new UrlListState());
    copy.#lost = this.#lost;
    return copy;
  }

  override join(other: UrlState): boolean {
    this.#lost ||= other instanceof UrlListState && other.#lost;
    return super.join(other);
  }

  /** It may bring the next address, too. */
  override value(): void {
    super.value();
    if (this.phase !== "refused") this.phase = "open";
  }

  override feed(text: string): void {
    // A semicolon may be written as one.
    this.#lost ||= text.includes("&");
    if (this.#lost) {
      this.refuse("it holds a character reference");
      return;
    }
    const [first = "", ...others] = text.split(";");
    super.feed(first);
    for (const other of others) {
      this.begin();
      super.feed(other);
    }
  }
}

// Markup that escapes whatever is put into it. Knows nothing of guestbooks.

/** Text that is already markup. Only `html` makes it. */
export class Html {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}

export type Piece = Html | string | number | undefined | readonly Piece[];

/** A template whose values are escaped for element content and for quoted attributes; undefined is nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Piece[]): Html {
  return new Html(strings.reduce((text, string, index) => text + write(values[index - 1]) + string));
}

function write(piece: Piece): string {
  if (piece === undefined) return "";
  if (piece instanceof Html) return piece.toString();
  if (typeof piece === "object") return piece.map(write).join("");
  return String(piece).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

// Finds the line on which a key of a TOML text is set, for messages. The TOML parser tells positions
// only of syntax errors, so this walks a text that it has already accepted: headers, dotted keys,
// values with their strings, arrays and inline tables. It interprets nothing.

import type { KeyPath } from "./mistake.ts";

/** Line numbers from 1 of every key, table and array element of a text. */
export class KeyLines {
  readonly #lines: ReadonlyMap<string, number>;

  constructor(toml: string) {
    this.#lines = new Walk(toml).run();
  }

  /** The line of `path`, or of its nearest enclosing table that has one. */
  of(path: KeyPath): number | undefined {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(id(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return undefined;
  }
}

const id = (path: KeyPath): string => JSON.stringify(path);

class Walk {
  readonly #text: string;
  #at = 0;
  #line = 1;
  readonly #lines = new Map<string, number>();
  /** Elements seen of each array of tables. */
  readonly #elements = new Map<string, number>();

  constructor(toml: string) {
    this.#text = toml;
  }

  run(): ReadonlyMap<string, number> {
    let table: KeyPath = [];
    for (this.#skip(/[\s]/, true); this.#at < this.#text.length; this.#skip(/[\s]/, true)) {
      if (this.#peek() === "[") table = this.#header();
      else this.#pair(table);
    }
    return this.#lines;
  }

  #header(): KeyPath {
    const isArray = this.#text.startsWith("[[", this.#at);
    this.#at += isArray ? 2 : 1;
    const line = this.#line;
    const path = this.#throughArrays(this.#key());
    this.#skip(/[\] \t]/);
    this.#note(path, line);
    if (!isArray) return path;
    const element = this.#elements.get(id(path)) ?? 0;
    this.#elements.set(id(path), element + 1);
    this.#note([...path, element], line);
    return [...path, element];
  }

  /** [TOML 1.0, Array of Tables] a header below one means its last element. */
  #throughArrays(keys: KeyPath): KeyPath {
    let path: KeyPath = [];
    for (const [at, key] of keys.entries()) {
      path = [...path, key];
      const elements = this.#elements.get(id(path));
      if (elements !== undefined && at < keys.length - 1) path = [...path, elements - 1];
    }
    return path;
  }

  #pair(table: KeyPath): void {
    const line = this.#line;
    const path = [...table, ...this.#key()];
    this.#note(path, line);
    this.#skip(/[= \t]/);
    this.#value(path);
  }

  /** A key with its dots; stands behind it afterwards. */
  #key(): KeyPath {
    const keys: string[] = [];
    for (;;) {
      this.#skip(/[ \t]/);
      const quote = this.#peek();
      if (quote === '"' || quote === "'") keys.push(unquote(this.#string()));
      else keys.push(this.#take(/[A-Za-z0-9_-]/));
      this.#skip(/[ \t]/);
      if (this.#peek() !== ".") return keys;
      this.#at++;
    }
  }

  #value(path: KeyPath): void {
    switch (this.#peek()) {
      case '"':
      case "'":
        this.#string();
        return;
      case "[":
        this.#items("]", (index) => {
          this.#note([...path, index], this.#line);
          this.#value([...path, index]);
        });
        return;
      case "{":
        this.#items("}", () => this.#pair(path));
        return;
      default:
        this.#take(/[^\s,\]}#]/);
        // A date and its time may stand apart: 1979-05-27 07:32:00
        if (/^ \d/.test(this.#text.slice(this.#at, this.#at + 2))) this.#take(/[^,\]}#\n]/);
    }
  }

  #items(end: string, each: (index: number) => void): void {
    this.#at++;
    for (let index = 0; this.#at < this.#text.length; index++) {
      this.#skip(/[\s,]/, true);
      if (this.#peek() === end) break;
      const before = this.#at;
      each(index);
      if (this.#at === before) return;
    }
    this.#at++;
  }

  /** Takes a string of any of the four kinds, with its quotes. */
  #string(): string {
    const from = this.#at;
    const quote = this.#peek();
    const fence = this.#text.startsWith(quote.repeat(3), from) ? quote.repeat(3) : quote;
    this.#at += fence.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(fence, this.#at)) {
      if (quote === '"' && this.#peek() === "\\") this.#step();
      this.#step();
    }
    this.#at += fence.length;
    // Up to two more quotes belong to the content of a string that ends here.
    while (fence.length === 3 && this.#peek() === quote) this.#at++;
    return this.#text.slice(from, this.#at);
  }

  #note(path: KeyPath, line: number): void {
    for (let length = 1; length <= path.length; length++) {
      const key = id(path.slice(0, length));
      if (!this.#lines.has(key)) this.#lines.set(key, line);
    }
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  #step(): void {
    if (this.#peek() === "\n") this.#line++;
    this.#at++;
  }

  #take(wanted: RegExp): string {
    const from = this.#at;
    while (this.#at < this.#text.length && wanted.test(this.#peek())) this.#step();
    // What the grammar does not allow here must not stop the walk.
    if (this.#at === from && this.#at < this.#text.length) this.#step();
    return this.#text.slice(from, this.#at);
  }

  #skip(unwanted: RegExp, comments = false): void {
    while (this.#at < this.#text.length) {
      if (comments && this.#peek() === "#") {
        while (this.#at < this.#text.length && this.#peek() !== "\n") this.#at++;
      } else if (unwanted.test(this.#peek())) this.#step();
      else return;
    }
  }
}

function unquote(quoted: string): string {
  if (quoted.startsWith("'")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    // \U00012345 and \e are TOML's but not JSON's; such a key is located by its table.
    return quoted;
  }
}

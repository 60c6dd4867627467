// A screen of lines that are drawn anew, as `top` has one: on the terminal's other page, so that what was
// there before is there again afterwards. ANSI X3.64 and xterm's private modes.

import { stripVTControlCharacters } from "node:util";

const OTHER_PAGE = "\u001b[?1049h";
const FIRST_PAGE = "\u001b[?1049l";
const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const HOME = "\u001b[H";
const CLEAR_LINE_END = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
/** Of a terminal whose size is not known: a VT100's. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
const RESET = "\u001b[0m";

/** What is written to; `process.stdout` on a terminal. */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

export class LiveScreen {
  readonly #terminal: Terminal;
  #lines: readonly string[] = [];
  #open = true;
  readonly #redraw = (): void => this.draw(this.#lines);

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.write(OTHER_PAGE + HIDE_CURSOR);
    terminal.on("resize", this.#redraw);
  }

  /** Shows as much of the lines as fits. They may hold colours (SGR), and nothing else that is not text. */
  draw(lines: readonly string[]): void {
    if (!this.#open) return;
    this.#lines = lines;
    // A terminal that does not know its size says 0.
    const columns = this.#terminal.columns || DEFAULT_COLUMNS;
    const rows = this.#terminal.rows || DEFAULT_ROWS;
    const shown = lines.slice(0, rows).map((line) => cut(line, columns) + CLEAR_LINE_END);
    this.#terminal.write(HOME + shown.join("\r\n") + CLEAR_BELOW);
  }

  /** The terminal is as it was. Closing again changes nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#terminal.off("resize", this.#redraw);
    this.#terminal.write(RESET + SHOW_CURSOR + FIRST_PAGE);
  }
}

/** As much of a line as fits into `columns`; colours take no room. */
export function cut(line: string, columns: number): string {
  if (stripVTControlCharacters(line).length <= columns) return line;
  let left = columns;
  let text = "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that begins a colour
  for (const [piece] of line.matchAll(/\u001b\[[\d;]*m|[^\u001b]+/g)) {
    if (piece.startsWith("\u001b")) text += piece;
    else {
      text += piece.slice(0, left);
      left -= Math.min(left, piece.length);
    }
  }
  return text;
}

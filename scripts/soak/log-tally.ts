// What the log says, counted: lines that differ only in their numbers are one.

const NUMBER = /\d+(\.\d+)?/g;
/** Different lines that are kept. */
const LINES_KEPT = 200;
const LEVELS = ["error", "warn"];

interface Counted {
  count: number;
  /** The first such line as it was. */
  readonly first: string;
  readonly level: string;
}

export class LogTally {
  readonly #isExpected: (line: string) => boolean;
  readonly #lines = new Map<string, Counted>();
  #unexpected = 0;

  /** `isExpected`: of a line that warns or complains, whether the soak itself brought it about. */
  constructor(isExpected: (line: string) => boolean) {
    this.#isExpected = isExpected;
  }

  add(text: string): void {
    for (const line of text.split("\n")) if (line !== "") this.#add(line);
  }

  /** Lines that warn or complain of what the soak did not bring about, or that are none of the log's. */
  get unexpected(): number {
    return this.#unexpected;
  }

  /** By level and message, the most frequent first. */
  get lines(): readonly { readonly message: string; readonly count: number; readonly first: string }[] {
    return [...this.#lines]
      .map(([message, { count, first }]) => ({ message, count, first }))
      .sort((a, b) => b.count - a.count);
  }

  #add(line: string): void {
    const { level, msg } = parse(line);
    if ((level === "none" || LEVELS.includes(level)) && !this.#isExpected(line)) this.#unexpected++;
    const key = `${level}: ${msg.replaceAll(NUMBER, "N")}`;
    const counted = this.#lines.get(key);
    if (counted !== undefined) counted.count++;
    else if (this.#lines.size < LINES_KEPT) this.#lines.set(key, { count: 1, first: line, level });
  }
}

function parse(line: string): { readonly level: string; readonly msg: string } {
  try {
    const { level = "none", msg = "" } = JSON.parse(line) as { level?: string; msg?: string };
    return { level, msg };
  } catch {
    return { level: "none", msg: line };
  }
}

// What the log says, counted: lines that differ only in their numbers are one.

const NUMBER = /\d+(\.\d+)?/g;
/** Different lines that are kept. */
const LINES_KEPT = 200;
/** Unexpected lines that are kept as they are; all are counted. */
const EXAMPLES_KEPT = 20;
const LEVELS = ["error", "warn"];

export class LogTally {
  readonly #isExpected: (line: string) => boolean;
  readonly #lines = new Map<string, number>();
  readonly #examples: string[] = [];
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

  /** The first of them. */
  get examples(): readonly string[] {
    return this.#examples;
  }

  /** By level and message, the most frequent first. */
  get lines(): readonly { readonly message: string; readonly count: number }[] {
    return [...this.#lines].map(([message, count]) => ({ message, count })).sort((a, b) => b.count - a.count);
  }

  #add(line: string): void {
    const { level, msg } = parse(line);
    if ((level === "none" || LEVELS.includes(level)) && !this.#isExpected(line)) {
      this.#unexpected++;
      if (this.#examples.length < EXAMPLES_KEPT) this.#examples.push(line);
    }
    const key = `${level}: ${msg.replaceAll(NUMBER, "N")}`;
    const count = this.#lines.get(key);
    if (count !== undefined || this.#lines.size < LINES_KEPT) this.#lines.set(key, (count ?? 0) + 1);
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

// Bytes that somebody prints → lines. A line that is longer than the limit becomes several pieces,
// none of which cuts a character in two; nothing is left out.

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** One line, or a piece of one. */
export interface PrintedLine {
  /** Without its line break. Only lent: whoever keeps it copies it. */
  readonly bytes: Uint8Array;
  /** 0: a whole line. 1, 2, …: which piece of a line that was longer than the limit. */
  readonly part: number;
  /** Another piece of the same line follows. */
  readonly more: boolean;
}

const NOTHING = new Uint8Array(0);

export class LineSplitter {
  readonly #limitBytes: number;
  readonly #line: (line: PrintedLine) => void;
  /** The beginning of a line whose end has not come; at most the limit. */
  #held: Uint8Array = NOTHING;
  /** Pieces of the present line that were handed on. */
  #parts = 0;

  constructor(limitBytes: number, line: (line: PrintedLine) => void) {
    this.#limitBytes = limitBytes;
    this.#line = line;
  }

  /** Whether a line has begun and not ended. */
  get midLine(): boolean {
    return this.#held.length > 0 || this.#parts > 0;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, at)) {
      this.#take(bytes.subarray(at, end));
      this.end();
      at = end + 1;
    }
    if (at < bytes.length) this.#take(bytes.subarray(at));
    // The caller may use its memory again.
    if (this.#held.buffer === bytes.buffer) this.#held = new Uint8Array(this.#held);
  }

  /** What is held is the end of its line. */
  end(): void {
    const { length } = this.#held;
    const last = this.#held[length - 1] === RETURN ? this.#held.subarray(0, length - 1) : this.#held;
    const part = this.#parts === 0 ? 0 : this.#parts + 1;
    this.#held = NOTHING;
    this.#parts = 0;
    this.#line({ bytes: last, part, more: false });
  }

  #take(bytes: Uint8Array): void {
    let rest = this.#held.length === 0 ? bytes : concat(this.#held, bytes);
    while (rest.length > this.#limitBytes) {
      const end = characterEnd(rest, this.#limitBytes);
      this.#parts += 1;
      this.#line({ bytes: rest.subarray(0, end), part: this.#parts, more: true });
      rest = rest.subarray(end);
    }
    this.#held = rest;
  }
}

/** UTF-8's longest character has this many bytes. */
const CHARACTER_BYTES = 4;

/** The last place at or before `limit` where no UTF-8 character is cut; `limit` itself in what is no UTF-8. */
function characterEnd(bytes: Uint8Array, limit: number): number {
  for (let end = limit; end > 0 && end > limit - CHARACTER_BYTES; end -= 1) {
    if (((bytes[end] ?? 0) & 0xc0) !== 0x80) return end;
  }
  return limit;
}

function concat(one: Uint8Array, two: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + two.length);
  both.set(one);
  both.set(two, one.length);
  return both;
}

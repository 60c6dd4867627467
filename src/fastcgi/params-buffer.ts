// The FCGI_PARAMS stream of one request while it is coming: pairs may straddle records [FCGI §3.4],
// so nothing can be parsed before its end. The usual stream is one record and is never copied.

const NOTHING = Buffer.alloc(0);
const FIRST_ALLOCATION_BYTES = 4096;

export class ParamsBuffer {
  readonly #limitBytes: number;
  #bytes: Buffer = NOTHING;
  #length = 0;
  /** False while `#bytes` is a view of what the socket gave. */
  #owned = true;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** False, and nothing is added, if that would pass the limit. */
  append(content: Buffer): boolean {
    const length = this.#length + content.length;
    if (length > this.#limitBytes) return false;
    if (this.#length === 0) {
      this.#bytes = content;
      this.#owned = false;
    } else {
      this.#reserve(length);
      content.copy(this.#bytes, this.#length);
    }
    this.#length = length;
    return true;
  }

  /** Keeps a copy instead of a view, whose little bytes would hold the whole piece in memory. */
  own(): void {
    if (!this.#owned) this.#reserve(this.#length);
  }

  /** The stream so far; the buffer is empty afterwards. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#bytes = NOTHING;
    this.#length = 0;
    this.#owned = true;
    return bytes;
  }

  #reserve(bytes: number): void {
    if (this.#owned && this.#bytes.length >= bytes) return;
    const wanted = Math.max(bytes, this.#owned ? 2 * this.#bytes.length : 0, FIRST_ALLOCATION_BYTES);
    const grown = Buffer.allocUnsafeSlow(Math.min(wanted, this.#limitBytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
    this.#owned = true;
  }
}

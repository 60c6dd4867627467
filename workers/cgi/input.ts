// What a CGI program reads: the request body. Its beginning is awaited before the program begins, so
// that a script may also read it synchronously; more than that comes as it is read.

import { Readable } from "node:stream";

/** So much is awaited. */
const FIRST_BYTES = 1024 * 1024;

export class CgiInput {
  #first: Buffer;
  #rest: ReadableStreamDefaultReader<Uint8Array> | undefined;

  private constructor(first: Buffer, rest: ReadableStreamDefaultReader<Uint8Array> | undefined) {
    this.#first = first;
    this.#rest = rest;
  }

  /** Rejects with what keeps the body from coming. */
  static async of(body: ReadableStream<Uint8Array> | null): Promise<CgiInput> {
    if (body === null) return new CgiInput(Buffer.alloc(0), undefined);
    const reader = body.getReader();
    const pieces: Uint8Array[] = [];
    for (let bytes = 0; bytes < FIRST_BYTES; ) {
      const { done, value } = await reader.read();
      if (done) return new CgiInput(Buffer.concat(pieces), undefined);
      pieces.push(value);
      bytes += value.length;
    }
    return new CgiInput(Buffer.concat(pieces), reader);
  }

  /** Nothing but what `takeSync` gives is left. */
  get isWhole(): boolean {
    return this.#rest === undefined;
  }

  /** At most `length` bytes of what is here. */
  takeSync(length: number): Buffer {
    const taken = this.#first.subarray(0, length);
    this.#first = this.#first.subarray(taken.length);
    return taken;
  }

  /** The next piece, at once or as it comes; undefined at the end. */
  async read(): Promise<Uint8Array | undefined> {
    if (this.#first.length > 0) return this.takeSync(this.#first.length);
    const { done = true, value } = (await this.#rest?.read()) ?? {};
    if (done) this.#rest = undefined;
    return value;
  }

  /** As a stream; made once. */
  stream(): Readable {
    const stdin = new Readable({
      read: () => {
        this.read().then(
          (piece) => stdin.push(piece === undefined ? null : piece),
          (error: Error) => stdin.destroy(error),
        );
      },
      destroy: (error, done) => {
        void this.#rest?.cancel(error).catch(() => {}); // its end has been told already
        done(error);
      },
    });
    stdin.on("error", () => {}); // the client has left; whoever reads is told all the same
    return stdin;
  }
}

// A stream of bytes from the web server (FCGI_STDIN or FCGI_DATA) as far as it has arrived. Taking
// a piece gives the sender leave for as much again, so a slow reader stops the sender.

import type { RequestBody } from "./exchange.ts";

interface Reader {
  readonly resolve: (piece: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export class IncomingBody implements RequestBody {
  #pieces: Uint8Array[] = [];
  #ended = false;
  #touched = false;
  #error: unknown;
  #reader: Reader | undefined;
  readonly #taken: (bytes: number) => void;

  /** `taken` is told how many bytes were taken. */
  constructor(taken: (bytes: number) => void) {
    this.#taken = taken;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(piece: Uint8Array): void {
    if (this.#ended || this.#error !== undefined) return;
    const reader = this.#reader;
    if (reader === undefined) {
      this.#pieces.push(piece);
      return;
    }
    this.#reader = undefined;
    this.#taken(piece.length);
    reader.resolve(piece);
  }

  end(): void {
    this.#ended = true;
    this.#reader?.resolve(undefined);
    this.#reader = undefined;
  }

  /** The rest will not come. */
  fail(error: unknown): void {
    if (this.#ended || this.#error !== undefined) return;
    this.#error = error;
    this.#pieces = [];
    this.#reader?.reject(error);
    this.#reader = undefined;
  }

  takeWhole(): Uint8Array | undefined {
    if (!this.#ended || this.#touched) return undefined;
    this.#touched = true;
    const pieces = this.#pieces;
    this.#pieces = [];
    const whole = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
    if (whole.length > 0) this.#taken(whole.length);
    return whole;
  }

  read(): Promise<Uint8Array | undefined> {
    this.#touched = true;
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#taken(piece.length);
      return Promise.resolve(piece);
    }
    if (this.#ended) return Promise.resolve(undefined);
    if (this.#reader !== undefined) return Promise.reject(new TypeError("the request body is already being read"));
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }
}

// The parts of a multipart/form-data body [RFC 7578], asked for one by one. busboy's Dicer finds the
// boundaries; here is what makes it a reader: nothing is read ahead of who asks, so that a slow one
// stops the client, and every limit is an error instead of a part that is cut or missing.

import { Dicer } from "@fastify/busboy";
import type { FormLimits } from "../../src/messages/lane.ts";
import type { Refusal } from "../refusal.ts";
import { beyond, malformed } from "./limits.ts";
import { HEADER_LINES, type HeaderLines, headerBytes, type PartHead, partHead } from "./part-head.ts";

/** The next piece of the request's body; undefined at its end. */
export type ReadPiece = () => Promise<Uint8Array | undefined>;

export interface Part extends PartHead {
  /** The next piece, or undefined at the part's end. Rejects with Refusal, and with what broke the body. */
  read(): Promise<Buffer | undefined>;
}

/** Of a name in an error. */
const SHOWN_CHARS = 100;

export class MultipartReader {
  readonly #body: ReadPiece;
  readonly #limits: FormLimits;
  readonly #parser: Dicer;
  /** Begun, and not asked for yet. */
  readonly #waiting: PartBuffer[] = [];
  #newest: PartBuffer | undefined;
  #given: PartBuffer | undefined;
  #fields = 0;
  #files = 0;
  /** A part's lines have begun, and not ended. */
  #inHead = false;
  #failure: { readonly error: unknown } | undefined;
  /** Under way: two who ask at once share it. */
  #reading: Promise<void> | undefined;
  #bodyEnded = false;
  #finished = false;
  #stir = (): void => {};
  #written = (): void => {};

  constructor(body: ReadPiece, boundary: string, limits: FormLimits) {
    this.#body = body;
    this.#limits = limits;
    // One line more than there may be, so that it is seen.
    const config = { boundary, maxHeaderPairs: HEADER_LINES + 1, maxHeaderSize: headerBytes(limits.nameBytes) };
    this.#parser = new Dicer(config);
    this.#parser.on("part", (stream) => {
      this.#headEnded();
      this.#inHead = true;
      stream.on("error", (error) => this.#fail(truncated(error)));
      stream.on("header", (lines) => this.#begin(lines as HeaderLines, stream));
    });
    this.#parser.on("error", (error) => this.#fail(truncated(error)));
    this.#parser.on("finish", () => {
      this.#headEnded();
      this.#finished = true;
      this.#stir();
      this.#written();
    });
  }

  /** The next part; what was left of the one before it is passed over. Undefined after the last. */
  async next(): Promise<Part | undefined> {
    this.#given?.abandon();
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const part = this.#waiting.shift();
      if (part !== undefined) {
        this.#given = part;
        return part;
      }
      if (this.#finished && this.#newest?.ended !== false) return undefined;
      await this.#more();
    }
  }

  async #readPart(part: PartBuffer): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (part.abandoned) throw new TypeError("a part of a form cannot be read after the next one was asked for");
      const piece = part.pieces.shift();
      if (piece !== undefined) return piece;
      if (part.ended) return undefined;
      // The end of a part that is not the newest is on its way through Dicer's streams.
      if (part === this.#newest) await this.#more();
      else await this.#event();
    }
  }

  /** A boundary in the midst of a part's lines: Dicer says nothing of such a part. */
  #headEnded(): void {
    if (this.#inHead) this.#fail(malformed("a part of it has no empty line behind its header lines"));
    this.#inHead = false;
  }

  #begin(lines: HeaderLines, stream: Dicer.PartStream): void {
    this.#inHead = false;
    if (this.#failure !== undefined) return;
    let part: PartBuffer;
    try {
      part = new PartBuffer(partHead(lines, this.#limits.nameBytes), (asking) => this.#readPart(asking));
      this.#count(part);
    } catch (error) {
      this.#fail(error);
      return;
    }
    stream.on("data", (piece: Buffer) => {
      part.push(piece);
      if (part.bytes > this.#mostBytes(part)) this.#fail(tooLong(part, this.#limits));
      this.#stir();
    });
    stream.on("end", () => {
      part.ended = true;
      this.#stir();
    });
    this.#newest = part;
    this.#waiting.push(part);
    this.#stir();
  }

  #count({ filename }: Part): void {
    const { fields, files } = this.#limits;
    if (filename === undefined) this.#fields += 1;
    else this.#files += 1;
    if (this.#files > files) throw beyond("files", `has more than ${files} files`);
    if (this.#fields > fields) throw beyond("fields", `has more than ${fields} fields`);
  }

  #mostBytes({ filename }: PartBuffer): number {
    return filename === undefined ? this.#limits.fieldBytes : this.#limits.fileBytes;
  }

  /** Reads one piece of the body, or waits for what Dicer has to tell after the last. */
  #more(): Promise<void> {
    if (this.#bodyEnded) return this.#event();
    this.#reading ??= this.#readPiece().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readPiece(): Promise<void> {
    const piece = await this.#body();
    if (piece === undefined) {
      this.#bodyEnded = true;
      const told = this.#event();
      this.#parser.end();
      return told;
    }
    await new Promise<void>((resolve) => {
      this.#written = resolve;
      this.#parser.write(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength), () => resolve());
    });
  }

  #event(): Promise<void> {
    const before = this.#stir;
    return new Promise((resolve) => {
      this.#stir = () => {
        this.#stir = () => {};
        before();
        resolve();
      };
    });
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stir();
    this.#written();
  }
}

/** What has come of a part and was not read: at most one piece of the body, because none is read ahead. */
class PartBuffer implements Part {
  readonly name: string;
  readonly filename: string | undefined;
  readonly type: string;
  readonly pieces: Buffer[] = [];
  bytes = 0;
  ended = false;
  abandoned = false;
  readonly #read: (part: PartBuffer) => Promise<Buffer | undefined>;

  constructor(head: PartHead, read: (part: PartBuffer) => Promise<Buffer | undefined>) {
    this.name = head.name;
    this.filename = head.filename;
    this.type = head.type;
    this.#read = read;
  }

  push(piece: Buffer): void {
    this.bytes += piece.length;
    if (!this.abandoned) this.pieces.push(piece);
  }

  abandon(): void {
    if (this.ended && this.pieces.length === 0) return;
    this.abandoned = true;
    this.pieces.length = 0;
  }

  read(): Promise<Buffer | undefined> {
    return this.#read(this);
  }
}

function truncated(cause: unknown): Refusal {
  return malformed("it ends before its last boundary", cause);
}

function tooLong({ name, filename }: Part, { fieldBytes, fileBytes }: FormLimits): Refusal {
  const shown = JSON.stringify(name.slice(0, SHOWN_CHARS));
  return filename === undefined
    ? beyond("fieldBytes", `has more than ${fieldBytes} bytes in field ${shown}`)
    : beyond("fileBytes", `has a file of more than ${fileBytes} bytes in field ${shown}`);
}

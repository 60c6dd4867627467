// `ctx.uploads()`: the parts of a form as they arrive. Nothing is read before someone asks, so a handler
// that is slow, or a disk, slows the client down instead of filling memory.

import type { SavedFile, SaveOptions, UploadOptions, UploadPart } from "../../src/app/uploads.ts";
import type { FormLimits } from "../../src/messages/lane.ts";
import { formKind } from "./content-type.ts";
import { beyond, beyondMemory, readWithin } from "./limits.ts";
import { MultipartReader, type Part, type ReadPiece } from "./multipart.ts";
import { type SavedFiles, saveFile } from "./save.ts";
import { readUrlencoded } from "./urlencoded.ts";

export interface UploadSource {
  /** Pieces are only lent. */
  readonly read: ReadPiece;
  readonly contentType: string | undefined;
  /** Bytes, as the client announces them. */
  readonly contentLength: number | undefined;
  /** Of the pool. */
  readonly limits: FormLimits;
  /** What is saved is put here. */
  readonly saved: SavedFiles;
}

/** Fails with Refusal (400, 413, 415), and with what broke the body. */
export async function* uploadParts(source: UploadSource, options: UploadOptions): AsyncGenerator<UploadPart> {
  const limits = limitsOf(source.limits, options);
  const kind = formKind(source.contentType);
  const read = withProgress(source, options);
  if (kind.kind === "urlencoded") {
    for (const [name, value] of await readUrlencoded(read, limits)) {
      yield new ReadablePart(fieldOf(name, value), limits, source.saved);
    }
    return;
  }
  const reader = new MultipartReader(read, kind.boundary, limits);
  for (let part = await reader.next(); part !== undefined; part = await reader.next()) {
    const chosen = part.filename === "" ? await unlessEmpty(part) : part;
    if (chosen !== undefined) yield new ReadablePart(chosen, limits, source.saved);
  }
}

function limitsOf(pool: FormLimits, options: UploadOptions): FormLimits {
  return {
    fields: options.fields ?? pool.fields,
    fieldBytes: options.fieldLimit ?? pool.fieldBytes,
    nameBytes: options.nameLimit ?? pool.nameBytes,
    files: options.files ?? pool.files,
    fileBytes: options.fileLimit ?? pool.fileBytes,
    memoryBytes: pool.memoryBytes,
  };
}

function withProgress({ read, contentLength: total }: UploadSource, { progress }: UploadOptions): ReadPiece {
  if (progress === undefined) return read;
  let received = 0;
  return async () => {
    const piece = await read();
    if (piece !== undefined) {
      received += piece.length;
      progress({ received, total });
    }
    return piece;
  };
}

function fieldOf(name: string, value: string): Part {
  let rest: Buffer | undefined = Buffer.from(value);
  return {
    name,
    filename: undefined,
    type: "text/plain",
    read: async () => {
      const piece = rest;
      rest = undefined;
      return piece?.length === 0 ? undefined : piece;
    },
  };
}

/** Browsers send an empty file without a name for an input in which nothing was chosen. */
async function unlessEmpty(part: Part): Promise<Part | undefined> {
  let first = await part.read();
  if (first === undefined) return undefined;
  return {
    name: part.name,
    filename: part.filename,
    type: part.type,
    read: async () => {
      const piece = first;
      first = undefined;
      return piece ?? part.read();
    },
  };
}

class ReadablePart implements UploadPart {
  readonly kind: "field" | "file";
  readonly name: string;
  readonly filename: string | undefined;
  readonly type: string;
  readonly #part: Part;
  readonly #limits: FormLimits;
  readonly #saved: SavedFiles;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #used = false;

  constructor(part: Part, limits: FormLimits, saved: SavedFiles) {
    this.kind = part.filename === undefined ? "field" : "file";
    this.name = part.name;
    this.filename = part.filename;
    this.type = part.type;
    this.#part = part;
    this.#limits = limits;
    this.#saved = saved;
  }

  get stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    if (this.#stream !== undefined) return this.#stream;
    const read = this.#reader();
    this.#stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        async pull(controller) {
          const piece = await read();
          if (piece === undefined) controller.close();
          // A copy: a consumer may detach what it gets, and it lies in a buffer that others share.
          else controller.enqueue(new Uint8Array(piece));
        },
      },
      { highWaterMark: 0 },
    );
    return this.#stream;
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#whole());
  }

  async text(): Promise<string> {
    return (await this.#whole()).toString("utf8");
  }

  async saveTo(folderOrPath: string, { mode = 0o640, maxBytes }: SaveOptions = {}): Promise<SavedFile> {
    const most = Math.min(maxBytes ?? Number.POSITIVE_INFINITY, this.#limits.fileBytes);
    const refused = `has a file of more than ${most} bytes in field ${JSON.stringify(this.name.slice(0, 100))}`;
    return saveFile({
      read: this.#reader(),
      target: folderOrPath,
      mode,
      maxBytes: most,
      tooLong: () => beyond("fileBytes", refused),
      saved: this.#saved,
    });
  }

  #whole(): Promise<Buffer<ArrayBuffer>> {
    return readWithin(this.#reader(), this.#limits.memoryBytes, () => beyondMemory(this.#limits));
  }

  #reader(): () => Promise<Buffer | undefined> {
    if (this.#used) throw new TypeError("this part of the form was already read");
    this.#used = true;
    return () => this.#part.read();
  }
}

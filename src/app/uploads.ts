// A form that is read as it arrives: the shapes of `ctx.uploads()`. Types only.

/** Bytes of the request's body. */
export interface UploadProgress {
  /** Read so far. */
  readonly received: number;
  /** Content-Length; undefined where the client does not say. */
  readonly total: number | undefined;
}

/** Each overrides the pool's `[pools.NAME.form]` for this request; sizes in bytes. */
export interface UploadOptions {
  /** Number of fields that are no files. */
  readonly fields?: number;
  /** Bytes of one field's value. */
  readonly fieldLimit?: number;
  /** Bytes of a field's name. */
  readonly nameLimit?: number;
  /** Number of files. */
  readonly files?: number;
  /** Bytes of one file. */
  readonly fileLimit?: number;
  /** Called after each piece of the body that was read, at most 64 KiB. What it throws ends the upload. */
  progress?(progress: UploadProgress): void;
}

/** Of a part that is written to disk. */
export interface SaveOptions {
  /** Permission bits of the file, less the pool's umask. Default 0o640. */
  readonly mode?: number;
  /** A longer one is refused with 413, and nothing is left of it. Default: the pool's `form.file_limit`. */
  readonly maxBytes?: number;
}

/** A part that was written to disk. */
export interface SavedFile {
  /** Absolute. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * A part of a form, in the order in which it was sent. Its content is read once, in one of these ways, before the
 * next part is asked for; what is not read by then is passed over.
 */
export interface UploadPart {
  /** A file input in which nothing was chosen is no part at all. */
  readonly kind: "field" | "file";
  /** Of the form's field; may be anything, `__proto__` too. */
  readonly name: string;
  /**
   * The client's name for the file, without folders and control characters; at most 255 bytes, perhaps "". For people
   * to see: never a path. Undefined for a field.
   */
  readonly filename: string | undefined;
  /** Media type as the client says, which proves nothing; `text/plain` where it says nothing. */
  readonly type: string;
  /** The content as it arrives. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** All of it. Rejects with 413 beyond the pool's `form.memory_limit`. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** All of it, as UTF-8. Rejects with 413 beyond the pool's `form.memory_limit`. */
  text(): Promise<string>;
  /**
   * Writes it to disk: in a folder that exists, under a random name without extension; else to the path itself, in
   * place of what is there. Atomically: until it is complete it has another name, which begins with `.upload-`. It is
   * removed again if the handler fails (it throws, its time is over, its status is 500 or more).
   */
  saveTo(folderOrPath: string, options?: SaveOptions): Promise<SavedFile>;
}

// A file as a reply: the shapes of `ctx.sendFile()`. Types only.

/** How a file is sent. */
export interface SendFileOptions {
  /**
   * The folder in which the file must lie, whatever `path` says: needed where a client has a say in `path`. Then `path` is
   * relative to it, also with a slash in front; `..`, symbolic links that lead out of it and names that begin with a dot
   * are not found.
   */
  readonly root?: string;
  /** Content-Type. Default: by the name's extension, else `application/octet-stream`; text is UTF-8. */
  readonly type?: string;
  /** To be saved instead of shown: under this name, or under the file's with `true` [RFC 6266]. */
  readonly attachment?: boolean | string;
  /** More headers, such as Cache-Control; ETag and Last-Modified take the place of those that are made from the file. */
  readonly headers?: ConstructorParameters<typeof Headers>[0];
}

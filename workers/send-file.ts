// `ctx.sendFile()`: finds and opens the file that a handler names, and lets Apache send it where Apache
// has said that it can (mod_xsendfile).

import { constants, type FileHandle, open, realpath } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import type { SendFileOptions } from "../src/app/send-file.ts";
import { attachment } from "../src/base/content-disposition.ts";
import type { Params } from "../src/fastcgi/name-values.ts";
import { fileResponse } from "./file-response.ts";
import { contentTypeOf } from "./mime.ts";

/** A FIFO would be waited for; it is refused once it is open. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;
/** The folders of which Apache has been told by XSendFilePath, with colons between them. */
const X_SENDFILE_FOLDERS = "HOLDFAST_XSENDFILE";

export interface FileRequest {
  readonly method: string;
  readonly params: Params;
  /** Resolves when the reply is over. */
  readonly over: Promise<void>;
}

/** Resolves with 404 or 403 where there is no such file for us; rejects with what else the file system says. */
export async function sendFile(path: string, options: SendFileOptions, request: FileRequest): Promise<Response> {
  const opened = await openFile(path, options.root);
  if (typeof opened === "number")
    return new Response(opened === 403 ? "Forbidden\n" : "Not Found\n", { status: opened });
  const { handle, file } = opened;
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) {
      await handle.close();
      return new Response("Not Found\n", { status: 404 });
    }
    const name = options.attachment === true ? basename(file) : options.attachment;
    const headers = new Headers(options.headers);
    if (typeof name === "string") headers.set("content-disposition", attachment(name));
    const type = options.type ?? contentTypeOf(file);
    const sendfile = await pathForApache(file, request.params);
    return await fileResponse({ handle, stats, type, headers, sendfile, ...request });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Or the status that says why not. */
async function openFile(
  path: string,
  root: string | undefined,
): Promise<{ handle: FileHandle; file: string } | number> {
  const folder = root === undefined ? undefined : await realpath(root);
  try {
    if (folder === undefined) return { handle: await open(path, FLAGS), file: resolve(path) };
    const file = await realpath(join(folder, path));
    if (!isBelow(file, folder) || hasHiddenName(path)) return 404;
    // What was a real path a moment ago is no link.
    return { handle: await open(file, FLAGS | constants.O_NOFOLLOW), file };
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EACCES" || code === "EPERM") return 403;
    if (NOT_THERE.has(code)) return 404;
    throw error;
  }
}

/** ENXIO: a socket, or a FIFO that nobody writes. ERR_INVALID_ARG_VALUE: a NUL in the path. */
const NOT_THERE: ReadonlySet<string> = new Set([
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
  "ENXIO",
  "ERR_INVALID_ARG_VALUE",
]);

function isBelow(file: string, folder: string): boolean {
  return file.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function hasHiddenName(path: string): boolean {
  return path.split("/").some((name) => name.startsWith(".") && name !== ".");
}

/** What mod_xsendfile is to be told, one char per byte. Undefined where Apache has not said that it may send it. */
async function pathForApache(file: string, params: Params): Promise<string | undefined> {
  const folders = params.getUtf8(X_SENDFILE_FOLDERS);
  if (folders === undefined || folders === "") return undefined;
  const real = await realpath(file);
  // Version 1 of the module decodes the path, version 0.12 does not.
  if (/[%\p{Cc}]/u.test(real)) return undefined;
  if (!folders.split(":").some((folder) => folder.startsWith("/") && isBelow(real, folder))) return undefined;
  return Buffer.from(real).toString("latin1");
}

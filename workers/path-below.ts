// The names of a URL's path that are left for a module which routes by itself.

import { filePath } from "../src/cgi/request-url.ts";
import type { Params } from "../src/fastcgi/name-values.ts";
import { decodePath } from "./file-names.ts";

export interface Below {
  readonly params: Params;
  /** What the resolution of a file has corrected; undefined for the one module of `app`. */
  readonly corrections: Readonly<Record<string, string>> | undefined;
  /** Of the pool; "" for all of the site. */
  readonly mount: string;
}

/**
 * Decoded; the last one is "" after a slash, and there is none for the module itself. Undefined for a path
 * that could be read in two ways, or that the web server reads otherwise.
 */
export function pathBelow({ params, corrections, mount }: Below): readonly string[] | undefined {
  if (corrections !== undefined) {
    const pathInfo = corrections.PATH_INFO ?? params.getUtf8("PATH_INFO") ?? "";
    // It is decoded already: what is in it is to be left as it is.
    return pathInfo === "" ? [] : decodePath(pathInfo.slice(1).replaceAll("%", "%25"));
  }
  const { pathname, isAgreed } = filePath(params);
  if (!isAgreed) return undefined;
  if (pathname === mount) return [];
  return pathname.startsWith(`${mount}/`) ? decodePath(pathname.slice(mount.length + 1)) : undefined;
}

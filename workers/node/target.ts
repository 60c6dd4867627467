// What a Node app takes for its URL. Where it is mounted below a part of the site's URLs it sees the
// rest, as an Express router does below `app.use("/shop", router)`: so it runs unchanged anywhere.

import { requestPath } from "../../src/cgi/variables.ts";
import type { Params } from "../../src/fastcgi/name-values.ts";

export interface Target {
  /** Begins with a slash. */
  readonly url: string;
  /** As the client asked for it. */
  readonly originalUrl: string;
  /** What was taken off its path: "" or a path without trailing slash. */
  readonly baseUrl: string;
}

/** The file that answers, as parts of the URL, decoded. */
export interface FilePlace {
  readonly scriptName: string;
  readonly pathInfo: string;
}

/** `file`: undefined if none was looked for. */
export function targetOf(params: Params, mount: string, file: FilePlace | undefined): Target {
  const { pathname, search } = requestPath(params);
  const originalUrl = pathname + search;
  const base = file === undefined ? baseOf(pathname, mount) : baseBefore(pathname, file);
  if (base === 0) return { url: originalUrl, originalUrl, baseUrl: "" };
  const rest = originalUrl.slice(base);
  return { url: rest.startsWith("/") ? rest : `/${rest}`, originalUrl, baseUrl: pathname.slice(0, base) };
}

/** Length of the mount where the path lies below it, else 0. */
function baseOf(pathname: string, mount: string): number {
  const isBelow = pathname === mount || pathname.startsWith(`${mount}/`);
  return isBelow ? mount.length : 0;
}

/** Length of what stands before the path info; without any, of all but the slash of a folder. */
function baseBefore(pathname: string, { scriptName, pathInfo }: FilePlace): number {
  for (let at = pathname.length; at >= 0; at = at === 0 ? -1 : pathname.lastIndexOf("/", at - 1)) {
    if (decoded(pathname.slice(at)) === pathInfo) {
      return pathInfo === "" && pathname.endsWith("/") ? pathname.length - 1 : at;
    }
  }
  // Middleware has changed the URL: the file is where it was.
  return baseOf(pathname, encodeURI(scriptName));
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // It is not what was decoded into a path info.
    return undefined;
  }
}

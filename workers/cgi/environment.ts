// The environment of a CGI program [RFC 3875 §4.1]: what the pool's own environment holds, and over it
// the request's variables.

import { requestPath } from "../../src/cgi/variables.ts";
import type { Params } from "../../src/fastcgi/name-values.ts";

export interface EnvironmentOptions {
  /** Of the pool. */
  readonly own: Readonly<Record<string, string | undefined>>;
  /** The request's meta-variables, corrected by what file was found; HTTP_PROXY is not among them. */
  readonly request: Readonly<Record<string, string | undefined>>;
  readonly params: Params;
  /** The program. */
  readonly file: string;
  readonly mount: string;
}

/** What is FastCGI's, or would be wrong for the file that was found. */
const NOT_CGI = new Set(["FCGI_ROLE", "FCGI_APACHE_ROLE", "HTTP_PROXY", "PATH_TRANSLATED"]);

export function cgiEnvironment({ own, request, params, file, mount }: EnvironmentOptions): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  const set = (name: string, value: string | undefined): void => {
    // Names come from the peer: `__proto__` is a name like any other.
    if (value !== undefined && !value.includes("\0")) {
      Object.defineProperty(env, name, { value, enumerable: true, configurable: true, writable: true });
    }
  };
  for (const [name, value] of Object.entries(own)) if (!name.startsWith("HTTP_")) set(name, value);
  set("GATEWAY_INTERFACE", "CGI/1.1");
  for (const [name, value] of Object.entries(request)) if (!NOT_CGI.has(name)) set(name, value);
  if (request.SCRIPT_FILENAME !== file) {
    // One program answers everything below its mount, whatever the web server takes for a script.
    set("SCRIPT_FILENAME", file);
    set("SCRIPT_NAME", mount);
    const { pathname } = requestPath(params);
    set("PATH_INFO", decoded(pathname.startsWith(`${mount}/`) ? pathname.slice(mount.length) : ""));
  }
  if (env.PATH_INFO === "") delete env.PATH_INFO;
  return env;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // no escapes of ours: as it came
  }
}

// What is measured: who is asked for what, and what the answer must be.

import type { ExpectedReply, HttpRequest } from "../wrk.ts";
import { CGID_PATH } from "./cgid.ts";
import type { Store } from "./stores.ts";

export interface ModelRow {
  readonly id: string;
  readonly title: string;
  readonly path: string;
  readonly request?: HttpRequest;
  /** Default: the usual line as text/plain. */
  readonly expected?: ExpectedReply;
  /** So many sessions take turns, so that requests of one rarely meet. */
  readonly sessions?: number;
  /** Apache runs it itself. */
  readonly byApache?: true;
}

const SESSIONS = 256;

const STORES: Readonly<Record<Store["id"], string>> = {
  memory: "memory",
  file: "files",
  sqlite: "SQLite",
  redis: "Redis",
  postgres: "PostgreSQL",
};

export function modelRows(stores: readonly Store[]): readonly ModelRow[] {
  return [
    { id: "bare", title: "a bare handler", path: "/bare/hello" },
    {
      id: "page",
      title: "a page of 50 rows (.tsp)",
      path: "/pages/rows",
      expected: { body: /<td>73\.50<\/td><\/tr>\s*<\/table>/, type: /^text\/html; ?charset=utf-8$/i },
    },
    {
      id: "form",
      title: "a form post, three fields",
      path: "/form/send",
      request: {
        method: "POST",
        body: "greeting=Hello&whom=world&end=%0A",
        type: "application/x-www-form-urlencoded",
      },
    },
    ...stores.flatMap(({ id }) =>
      (["read", "write"] as const).map((what) => ({
        id: `session-${id}-${what}`,
        title: `a session ${what === "read" ? "read" : "written"}, ${STORES[id]}`,
        path: `/session-${id}/${what}`,
        sessions: SESSIONS,
      })),
    ),
    { id: "express", title: "Express 5", path: "/express/hello" },
    { id: "hono", title: "Hono 4", path: "/hono/hello" },
    { id: "cgi", title: 'a Node CGI script, kind = "cgi"', path: "/cgi/hello.cjs" },
    { id: "cgid", title: "the same script under mod_cgid", path: CGID_PATH, byApache: true },
  ];
}

// What a server page (.tsp) sees as `page`. Types only; src/pages/runtime makes the values.

import type { Context } from "./context.ts";
import type { RequestSession } from "./session.ts";

/** What may stand in `<%= … %>`. Everything else there is a mistake that `String()` would hide. */
export type Printable = string | number | bigint | boolean | Date | URL | null | undefined;

/** `page` in a server page. */
// biome-ignore lint/suspicious/noExplicitAny: as in Context
export interface Page<State = any> {
  /** What is asked for. */
  readonly request: Request;
  /** As handlers get it. */
  readonly ctx: Context<State>;
  /** Status of the reply; default: 200, or what `<%@ page status="…" %>` says. Throws once the head is sent. */
  status: number;
  /** Headers of the reply, Content-Type among them. Changing them throws once the head is sent. */
  readonly headers: Headers;
  /** Whether status and headers are on their way, so that they cannot change any more. */
  readonly isSent: boolean;
  /** `ctx.params`: what the names in brackets on the page's path stand for. */
  readonly params: Readonly<Record<string, string>>;
  /** `ctx.session`. With `<%@ page session="true" %>` it is opened before the page runs, as `session`. */
  readonly session: RequestSession;
  /** The fields of the URL's query. */
  readonly query: URLSearchParams;
  /** `request.formData()`, read once however often it is called. */
  form(): Promise<FormData>;
  /**
   * Ends the page here and sends the client to `url`, which may be relative. `status`: 301, 302, 303, 307 or 308;
   * default: 303 after a POST, else 302. Throws if the head is sent, and to end the page.
   */
  redirect(url: string | URL, status?: number): never;
  /** Writes HTML as it is, like `<%- … %>`. Await it where much is written: it waits for the client. */
  write(html: string): Promise<void> | undefined;
  /** Sends what was written so far. After that status and headers stand, and an error cuts the reply off. */
  flush(): Promise<void>;
  /** The value as HTML text, also safe in an attribute's quotes. */
  escape(value: Printable): string;
}

// What a page in the author's browser waits for: new workers, another stylesheet, or a change that does not
// load. A page asks with what it knows, and is answered when that is no longer so, at the latest after a
// while; so nothing is pushed, and who has gone costs nothing for long.

import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { editorLink } from "../base/editor-link.ts";
import type { FaultData } from "../base/fault.ts";
import { authorPlace } from "../loader/author-place.ts";
import type { LiveBoot } from "../messages/lane.ts";
import type { Exchange } from "./exchange.ts";
import { LIVE_SCRIPT } from "./live-script.ts";
import { type OwnPages, type OwnRequest, ownReply } from "./own-paths.ts";
import { answerWith } from "./roomy-reply.ts";

/** Below the pool's mount; the script has ".js" behind it. */
const PATH = "/-/holdfast/live";
/** A page is answered after this time, whatever has happened; shorter than any web server's patience. */
export const HOLD_MS = 20_000;
/** Pages that may wait; one more, and the one that waits longest is answered. */
export const PAGES_MAX = 64;
/** Handlers that new workers try before they take over. */
const HANDLERS_MAX = 256;
/** Of a fault's text. */
const STACK_CHARS = 8192;

export interface LiveReloadOptions {
  readonly mount: string;
  /** Template of links to the editor. */
  readonly editor: string | undefined;
  readonly clock: Clock;
  /** Of the workers that serve. */
  readonly generation: () => number;
}

/** A change that did not load, as the page shows it. */
interface ShownFault {
  readonly changed: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly stack: string;
  /** "/srv/site/app.ts:3:7" */
  readonly place: string | undefined;
  readonly link: string | undefined;
}

export class LiveReload {
  readonly #options: LiveReloadOptions;
  readonly #path: string;
  /** Another process knows nothing of this one's generations. */
  readonly #process = randomBytes(6).toString("hex");
  readonly #waiting = new Map<Exchange, () => void>();
  /** Counts what pages are to hear of. */
  #serial = 1;
  #assets = 0;
  #fault: ShownFault | undefined;
  /** Files of handlers that have loaded; some may be gone by now. */
  readonly #handlers = new Set<string>();
  #leaving = false;

  constructor(options: LiveReloadOptions) {
    this.#options = options;
    this.#path = `${options.mount}${PATH}`;
  }

  get pages(): OwnPages {
    return {
      [this.#path]: ({ query }: OwnRequest) => this.#ask(query),
      [`${this.#path}.js`]: () => (exchange) => {
        const { head, body } = ownReply({ type: "text/javascript; charset=utf-8", body: LIVE_SCRIPT });
        answerWith(exchange, head, body);
      },
    };
  }

  /** What a worker of that generation puts into its pages. */
  boot(generation: number): LiveBoot {
    return { path: this.#path, version: this.#version(generation), handlers: [...this.#handlers] };
  }

  /** A worker has loaded the handler of that file. */
  handlerLoaded(file: string): void {
    if (this.#handlers.size < HANDLERS_MAX) this.#handlers.add(file);
  }

  /** New workers serve. */
  reloaded(): void {
    this.#fault = undefined;
    this.#tell();
  }

  /** A change does not load; the workers before it serve on. */
  failed(changed: string, { message, hint, stack = "" }: FaultData): void {
    const place = authorPlace(stack);
    const { editor } = this.#options;
    this.#fault = {
      changed,
      message,
      hint,
      stack: stack.slice(0, STACK_CHARS),
      place: place === undefined ? undefined : `${place.file}:${place.line}:${place.column}`,
      link: place === undefined || editor === undefined ? undefined : editorLink(editor, place),
    };
    this.#tell();
  }

  /** A file that no worker has loaded has changed: a stylesheet, a script, an image. */
  assetChanged(): void {
    this.#assets++;
    this.#tell();
  }

  /** Nobody is kept waiting from now on. */
  leave(): void {
    this.#leaving = true;
    this.#answerAll();
  }

  #version(generation: number): string {
    return `${this.#process}-${generation}`;
  }

  #ask(query: URLSearchParams): (exchange: Exchange) => void {
    const known = query.get("page") === this.#version(this.#options.generation());
    const upToDate = known && query.get("seen") === String(this.#serial);
    return (exchange) => {
      if (!upToDate || this.#leaving) this.#answer(exchange);
      else this.#hold(exchange);
    };
  }

  #hold(exchange: Exchange): void {
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined && this.#waiting.size >= PAGES_MAX) this.#answer(oldest);
    const { clock } = this.#options;
    this.#waiting.set(
      exchange,
      clock.at(clock.now() + HOLD_MS, () => this.#answer(exchange)),
    );
  }

  #tell(): void {
    this.#serial++;
    this.#answerAll();
  }

  #answerAll(): void {
    for (const exchange of [...this.#waiting.keys()]) this.#answer(exchange);
  }

  #answer(exchange: Exchange): void {
    this.#waiting.get(exchange)?.();
    this.#waiting.delete(exchange);
    const { head, body } = ownReply({
      type: "application/json",
      body: JSON.stringify({
        version: this.#version(this.#options.generation()),
        seen: this.#serial,
        assets: this.#assets,
        fault: this.#fault ?? null,
        // Whoever asks at once again would only ask in a circle.
        pauseMs: this.#leaving ? 1000 : 0,
      }),
    });
    answerWith(exchange, head, body);
  }
}

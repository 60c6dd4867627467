// Who answers an exchange: the one module of `app`, or the file of `root` that its URL names, and the
// middleware around it.

import { filePath } from "../src/cgi/request-url.ts";
import { requestPath } from "../src/cgi/variables.ts";
import type { Apps } from "./apps.ts";
import type { WorkerExchange } from "./exchange.ts";
import type { Files, Found } from "./files.ts";
import type { App } from "./kinds/app.ts";
import { type LoadedMiddleware, middlewareModule } from "./middleware/module.ts";
import { staticResponse } from "./static.ts";

/** What a file that was found tells the context. */
export interface Place {
  /** Variables that say which file was found. */
  readonly corrections: Readonly<Record<string, string>> | undefined;
  /** What the names in brackets on the file's path stand for. */
  readonly params: Readonly<Record<string, string>> | undefined;
}

export interface AppRoute extends Place {
  readonly kind: "app";
  readonly app: App;
}

export interface ResponseRoute {
  readonly kind: "response";
  readonly response: Response;
}

export interface SurroundedRoute extends Place {
  readonly kind: "surrounded";
  /** Outermost first; at least one. */
  readonly middleware: readonly LoadedMiddleware[];
  /** What is inside; found and loaded only when it is asked for. */
  content(): AppRoute | ResponseRoute | Promise<AppRoute | ResponseRoute>;
}

export type Route = AppRoute | ResponseRoute | SurroundedRoute;

export interface Site {
  /** At once where nothing has to be loaded. Throws, or rejects with, what keeps it from being answered. */
  route(exchange: WorkerExchange, method: string): Route | Promise<Route>;
}

const NO_PLACE: Place = { corrections: undefined, params: undefined };

/** Rejects with Fault BOOT if the module does not load. */
export async function appSite(file: string, apps: Apps): Promise<Site> {
  const route: Route = { kind: "app", app: await apps.get(file), ...NO_PLACE };
  return { route: () => route };
}

export interface RootSiteOptions {
  readonly files: Files;
  readonly apps: Apps;
  /** Tell why nothing was found. */
  readonly showErrors: boolean;
}

export function rootSite({ files, apps, showErrors }: RootSiteOptions): Site {
  function content(found: Found, exchange: WorkerExchange, method: string, isSurrounded: boolean) {
    switch (found.kind) {
      case "handler": {
        const app = apps.get(found.file);
        const place = placeOf(found);
        if (!(app instanceof Promise)) return toApp(app, place);
        return app.then((ready) => toApp(ready, place));
      }
      case "static":
        return staticResponse(found.file, method, exchange.params, isSurrounded ? exchange.over : undefined).then(
          respond,
        );
      case "folder":
        return respond(toFolder(exchange));
      case "none":
        return respond(notFound(showErrors ? found.reason : undefined));
    }
  }
  return {
    route(exchange, method) {
      const found = files.resolve(exchange.params);
      if (found.middleware === undefined) return content(found, exchange, method, false);
      const middleware = loadAll(apps, found.middleware);
      const surrounded = (loaded: readonly LoadedMiddleware[]): SurroundedRoute => ({
        kind: "surrounded",
        middleware: loaded,
        content: () => content(found, exchange, method, true),
        ...(found.kind === "handler" ? placeOf(found) : NO_PLACE),
      });
      return middleware instanceof Promise ? middleware.then(surrounded) : surrounded(middleware);
    },
  };
}

/** At once where all are loaded. Throws, or rejects with, Fault BOOT of one that does not load. */
function loadAll(apps: Apps, files: readonly string[]): LoadedMiddleware[] | Promise<LoadedMiddleware[]> {
  const ready: LoadedMiddleware[] = [];
  for (const file of files) {
    const loaded = apps.as(file, middlewareModule);
    if (loaded instanceof Promise) return Promise.all(files.map(async (each) => apps.as(each, middlewareModule)));
    ready.push(loaded);
  }
  return ready;
}

function toApp(app: App, place: Place): AppRoute {
  return { kind: "app", app, corrections: place.corrections, params: place.params };
}

function respond(response: Response): ResponseRoute {
  return { kind: "response", response };
}

function placeOf({ file, scriptName, pathInfo, params }: Extract<Found, { kind: "handler" }>): Place {
  const corrections = {
    SCRIPT_FILENAME: file,
    ...(scriptName === undefined ? {} : { SCRIPT_NAME: scriptName }),
    ...(pathInfo === undefined ? {} : { PATH_INFO: pathInfo }),
  };
  return { corrections, params };
}

/** Relative links in a folder's page need the slash. A path with one slash in front cannot name another host. */
function toFolder({ params }: WorkerExchange): Response {
  const { pathname } = filePath(params);
  const { search } = requestPath(params);
  return new Response(null, { status: 301, headers: { location: `${pathname}/${search}` } });
}

function notFound(reason: string | undefined): Response {
  const body = reason === undefined ? "Not Found\n" : `Not Found: ${reason}\n`;
  return new Response(body, { status: 404, headers: { "x-content-type-options": "nosniff" } });
}

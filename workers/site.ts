// Who answers an exchange: the one module of `app`, or the file of `root` that its URL names.

import { filePath } from "../src/cgi/request-url.ts";
import { requestPath } from "../src/cgi/variables.ts";
import type { Apps } from "./apps.ts";
import type { WorkerExchange } from "./exchange.ts";
import type { Files, Resolution } from "./files.ts";
import type { App } from "./kinds/app.ts";
import { staticResponse } from "./static.ts";

export type Route =
  | {
      readonly kind: "app";
      readonly app: App;
      /** Variables that say which file was found. */
      readonly corrections: Readonly<Record<string, string>> | undefined;
      /** What the names in brackets on the file's path stand for. */
      readonly params: Readonly<Record<string, string>> | undefined;
    }
  | { readonly kind: "response"; readonly response: Response };

export interface Site {
  /** At once where nothing has to be loaded. Throws, or rejects with, what keeps it from being answered. */
  route(exchange: WorkerExchange, method: string): Route | Promise<Route>;
}

/** Rejects with Fault BOOT if the module does not load. */
export async function appSite(file: string, apps: Apps): Promise<Site> {
  const route: Route = { kind: "app", app: await apps.get(file), corrections: undefined, params: undefined };
  return { route: () => route };
}

export interface RootSiteOptions {
  readonly files: Files;
  readonly apps: Apps;
  /** Tell why nothing was found. */
  readonly showErrors: boolean;
}

export function rootSite({ files, apps, showErrors }: RootSiteOptions): Site {
  return {
    route(exchange, method) {
      const found = files.resolve(exchange.params);
      switch (found.kind) {
        case "handler": {
          const app = apps.get(found.file);
          const corrections = correctionsOf(found);
          const { params } = found;
          if (!(app instanceof Promise)) return { kind: "app", app, corrections, params };
          return app.then((ready) => ({ kind: "app", app: ready, corrections, params }));
        }
        case "static":
          return staticResponse(found.file, method, exchange.params).then(respond);
        case "folder":
          return respond(toFolder(exchange));
        case "none":
          return respond(notFound(showErrors ? found.reason : undefined));
      }
    },
  };
}

function respond(response: Response): Route {
  return { kind: "response", response };
}

function correctionsOf({
  file,
  scriptName,
  pathInfo,
}: Extract<Resolution, { kind: "handler" }>): Record<string, string> {
  return {
    SCRIPT_FILENAME: file,
    ...(scriptName === undefined ? {} : { SCRIPT_NAME: scriptName }),
    ...(pathInfo === undefined ? {} : { PATH_INFO: pathInfo }),
  };
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

// The file of `root` that a request's URL names, and the middleware around it.

import { Fault } from "../src/base/fault.ts";
import { onDemand } from "../src/base/on-demand.ts";
import { filePath } from "../src/cgi/request-url.ts";
import { requestPath } from "../src/cgi/variables.ts";
import type { WorkerBoot } from "../src/messages/lane.ts";
import type { Apps } from "./apps.ts";
import type { WorkerExchange } from "./exchange.ts";
import { bootFault } from "./failure.ts";
import { Files, type Found } from "./files.ts";
import type { App } from "./kinds/app.ts";
import type { LoadedMiddleware, middlewareModule as MiddlewareModule } from "./middleware/module.ts";
import { type AppRoute, NO_PLACE, type Place, type ResponseRoute, type Site, type SurroundedRoute } from "./site.ts";

const staticFiles = onDemand(() => import("./static.ts"));

/** Rejects with Fault BOOT if there is no such folder. `looked` is told of paths where a file would change what is served. */
export async function rootSiteFor(boot: WorkerBoot, looked: (path: string) => void, apps: Apps): Promise<Site> {
  if (boot.root === undefined) throw new Fault("BOOT", `pool ${boot.pool} has neither app nor root`);
  const { root, mount, index, serveStatic, showErrors } = boot;
  const isHandler = boot.kind === "cgi" ? (await import("./cgi/programs.ts")).isCgiProgram : undefined;
  try {
    const indexTakesPath = boot.kind === "publisher";
    return rootSite({
      files: new Files({ root, mount, index, serveStatic, indexTakesPath, isHandler, looked }),
      apps,
      showErrors,
    });
  } catch (error) {
    throw bootFault(root, error);
  }
}

interface RootSiteOptions {
  readonly files: Files;
  readonly apps: Apps;
  /** Tell why nothing was found. */
  readonly showErrors: boolean;
}

function rootSite({ files, apps, showErrors }: RootSiteOptions): Site {
  function content(found: Found, exchange: WorkerExchange, method: string, isSurrounded: boolean) {
    switch (found.kind) {
      case "handler": {
        const app = apps.get(found.file);
        const place = placeOf(found);
        if (!(app instanceof Promise)) return toApp(app, place);
        return app.then((ready) => toApp(ready, place));
      }
      case "static":
        return sentFile(found.file, method, exchange, isSurrounded);
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

async function sentFile(
  file: string,
  method: string,
  { params, over }: WorkerExchange,
  isSurrounded: boolean,
): Promise<ResponseRoute> {
  const { staticResponse } = await staticFiles();
  return respond(await staticResponse(file, method, params, isSurrounded ? over : undefined));
}

/** What a `_middleware` exports; always the same function, as Apps asks of a kind. */
const middlewareModule = async (...loaded: Parameters<typeof MiddlewareModule>): Promise<LoadedMiddleware> =>
  (await import("./middleware/module.ts")).middlewareModule(...loaded);

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

// Who answers an exchange: the one module of `app`, or what root-site.ts finds.

import type { Apps } from "./apps.ts";
import type { WorkerExchange } from "./exchange.ts";
import type { App } from "./kinds/app.ts";
import type { LoadedMiddleware } from "./middleware/module.ts";

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

export const NO_PLACE: Place = { corrections: undefined, params: undefined };

/** Rejects with Fault BOOT if the module does not load. */
export async function appSite(file: string, apps: Apps): Promise<Site> {
  const route: Route = { kind: "app", app: await apps.get(file), ...NO_PLACE };
  return { route: () => route };
}

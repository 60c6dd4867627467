// What a worker answers a rehearsal with (src/pool/rehearsal.ts), in place of the app: it runs what nearly every
// handler runs, at once and asynchronously by turns.

import type { App } from "./kinds/app.ts";
import { NO_PLACE, type Route } from "./site.ts";

let turns = 0;

const STAND_IN: App = {
  file: "",
  state: undefined,
  respond: (_role, request) => {
    const { pathname, searchParams } = new URL(request.url);
    const text = `${request.method} ${pathname} ${searchParams.get("page")} ${request.headers.get("cookie")}\n`;
    const response = new Response(text, { headers: { "content-type": "text/plain", "cache-control": "no-store" } });
    return ++turns % 2 === 0 ? response : Promise.resolve(response);
  },
  dispose: () => Promise.resolve(),
};

export const REHEARSAL: Route = { kind: "app", app: STAND_IN, ...NO_PLACE };

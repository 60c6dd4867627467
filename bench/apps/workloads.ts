// Every workload but the trivial one, as web-standard handlers.

import * as bodies from "./bodies.ts";
import { compute, HELLO, page, thing, wait } from "./work.ts";

const text = (body: string) => new Response(body);

export default async (request: Request): Promise<Response> => {
  const { pathname } = new URL(request.url);
  switch (pathname.slice(pathname.lastIndexOf("/") + 1)) {
    case "json":
      return Response.json(await thing());
    case "heavy":
      return text(compute());
    case "wait":
      return text(await wait());
    case "page":
      return new Response(page(), { headers: { "content-type": "text/html;charset=UTF-8" } });
    case "download":
      return bodies.GET(request);
    case "upload":
      return bodies.PUT(request);
    default:
      return text(HELLO);
  }
};

// Every workload but the trivial one on node:http.
//
//   node node-http-workloads.js SOCKET WORKERS

import type { ServerResponse } from "node:http";
import { clustered } from "./cluster.ts";
import { answerBodies } from "./node-http-bodies.ts";
import { compute, HELLO, page, thing, wait } from "./work.ts";

function send(response: ServerResponse, body: string, type = "text/plain;charset=UTF-8"): void {
  response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

await clustered(() => async (request, response) => {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  switch (path.slice(path.lastIndexOf("/") + 1)) {
    case "json":
      return send(response, JSON.stringify(await thing()), "application/json");
    case "heavy":
      return send(response, compute());
    case "wait":
      return send(response, await wait());
    case "page":
      return send(response, page(), "text/html;charset=UTF-8");
    case "download":
    case "upload":
      return answerBodies(request, response);
    default:
      return send(response, HELLO);
  }
});

// Node's own HTTP server in a cluster, as one would put it behind mod_proxy_http.
//
//   node node-http.js SOCKET WORKERS

import { clustered } from "./cluster.ts";

const BODY = "Hello, world\n";

await clustered(() => (_request, response) => {
  response.writeHead(200, { "content-type": "text/plain;charset=UTF-8", "content-length": BODY.length });
  response.end(BODY);
});

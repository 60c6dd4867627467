// Express on node:http in a cluster, as one would put it behind mod_proxy_http. NODE_ENV is `production`, as its
// manual advises.
//
//   node express-http.js SOCKET WORKERS

import { clustered } from "./cluster.ts";

await clustered(async () => (await import("./express.ts")).default);

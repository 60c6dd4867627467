// Next's own way of a custom server, without the server.

import next from "next";

const app = next({ dev: false, dir: import.meta.dirname });
await app.prepare();

export const node = app.getRequestHandler();
export const dispose = () => app.close();

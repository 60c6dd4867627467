// A Fault that refuses a request on its handler's behalf, while the handler runs. Frameworks answer
// with its status, too: Express, Koa, Fastify and h3 go by `status`, Hono by `getResponse`.

import { Fault } from "../src/base/fault.ts";
import { refusalReply } from "../src/cgi/response.ts";

export class Refusal extends Fault {
  getResponse(): Response {
    const { status, body } = refusalReply(this);
    return new Response(body, { status, headers: { "content-type": "text/html; charset=utf-8" } });
  }
}

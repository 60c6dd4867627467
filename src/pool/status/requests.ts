// The requests that a worker has open, for people. What strangers chose is cut short, and of the URL only
// the path is told: queries hold secrets.

import type { Instant } from "../../base/clock.ts";
import { requestFields } from "../../cgi/variables.ts";
import { Params } from "../../fastcgi/name-values.ts";
import type { OpenRequest } from "../../messages/lifecycle.ts";
import type { Exchange } from "../exchange.ts";

/** So many of one worker are told, the oldest. */
export const REQUESTS_SHOWN = 10;
const PATH_CHARS = 200;
const METHOD_CHARS = 32;
const ID_CHARS = 64;

export function openRequests(exchanges: readonly Exchange[], now: Instant): readonly OpenRequest[] {
  return exchanges
    .toSorted((one, other) => one.receivedAt - other.receivedAt)
    .slice(0, REQUESTS_SHOWN)
    .map((exchange) => {
      const params = new Params(exchange.params);
      const { method = "", uri = "", request } = requestFields(params);
      return {
        method: method.slice(0, METHOD_CHARS),
        path: (uri.split("?", 1)[0] ?? "").slice(0, PATH_CHARS),
        ...(request === undefined ? {} : { request: request.slice(0, ID_CHARS) }),
        ageMs: Math.round(now - exchange.receivedAt),
        begun: exchange.carrier?.begun() ?? false,
        contentLength: Number(params.get("CONTENT_LENGTH")) || 0,
        script: (params.getUtf8("SCRIPT_FILENAME") ?? "").slice(0, PATH_CHARS),
      };
    });
}

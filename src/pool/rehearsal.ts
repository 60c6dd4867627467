// What a process that takes another's place does before it serves: it asks itself, over connections of its
// own, through everything that a request passes but the app. Code runs some ten times as slowly until V8
// has compiled it, and whoever asks in the moment of a reload would wait for that.
//
// No code of the app is run: a worker answers such a request by itself (workers/rehearsal.ts). Nobody counts it.

import { randomUUID } from "node:crypto";
import net from "node:net";
import type { Clock } from "../base/clock.ts";
import { settledWithin } from "../base/settled-within.ts";
import { FCGI_END_REQUEST } from "../fastcgi/constants.ts";
import { END_REQUEST_LEN } from "../fastcgi/encoder.ts";
import { encodeRequest, encodeStdinEnd } from "../fastcgi/web-server.ts";
import { Counters } from "./counters.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { GatewayLimits } from "./gateway.ts";
import { HoldfastGateway } from "./gateway-holdfast.ts";
import { Latencies } from "./latencies.ts";
import { Reception, type ReceptionOptions } from "./reception.ts";

/** After so many, what a request runs is compiled. */
export const REHEARSAL_REQUESTS = 2000;
const CLIENTS_MAX = 8;
/** It is given up then: nothing depends on it, ms. */
export const REHEARSAL_MS = 1500;

export interface RehearsalOptions {
  readonly clock: Clock;
  readonly limits: GatewayLimits;
  readonly dispatcher: Pick<Dispatcher, "submit" | "arrived" | "forget">;
  readonly turns: ReceptionOptions["turns"];
  /** How many requests the workers have room for: one that waits would look as if there were too few of them. */
  readonly room: number;
  /** Default: REHEARSAL_REQUESTS. */
  readonly requests?: number;
}

/** Resolves with the number of requests that were answered, at the latest after REHEARSAL_MS; rejects where nobody can listen. */
export async function rehearse(options: RehearsalOptions): Promise<number> {
  const { clock, limits, room, requests = REHEARSAL_REQUESTS } = options;
  const clients = Math.min(CLIENTS_MAX, room, requests);
  if (clients === 0) return 0;
  const gateway = new HoldfastGateway({ limits, allowedClients: [], host: reception(options) });
  // [unix(7)] An abstract socket: nothing of it is left over.
  const path = `\0holdfast-${randomUUID()}`;
  let [asked, answered] = [0, 0];
  const turn = { asks: () => asked++ < requests, answered: () => answered++ };
  try {
    await gateway.listen({ path }, clients);
    const visits = Promise.all(Array.from({ length: clients }, () => visit(path, turn)));
    await settledWithin(clock, visits, REHEARSAL_MS);
  } finally {
    await gateway.close();
  }
  return answered;
}

function reception({ clock, dispatcher, turns }: RehearsalOptions): Reception {
  return new Reception({
    clock,
    bodyLimitBytes: 0,
    ownReply: () => undefined,
    dispatcher: {
      submit: (exchange) => {
        exchange.rehearsal = true;
        dispatcher.submit(exchange);
      },
      arrived: (exchange) => dispatcher.arrived(exchange),
      forget: (exchange) => dispatcher.forget(exchange),
    },
    turns,
    counters: new Counters(new Latencies(clock)),
    says: { refused: () => {}, connectionEnded: () => {} },
    access: undefined,
    proven: () => {},
  });
}

interface Turn {
  asks(): boolean;
  answered(): void;
}

/** Asks on one connection until it is enough, or the connection ends. */
function visit(path: string, { asks, answered }: Turn): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(path);
    const ask = (): void => {
      if (asks()) socket.write(REQUEST);
      else socket.destroy();
    };
    socket.on("connect", ask);
    socket.on("data", (piece) => {
      // The end of a small reply comes with its last bytes.
      if (piece[piece.length - END_REQUEST_LEN + 1] !== FCGI_END_REQUEST) return;
      answered();
      ask();
    });
    // An error is followed by "close".
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

/** As Apache asks for a page of a browser: what is looked at in it decides what is compiled. */
const REQUEST = Buffer.concat([
  encodeRequest({
    keepConn: true,
    params: Object.entries({
      HTTP_HOST: "localhost",
      HTTP_USER_AGENT: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      HTTP_ACCEPT: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
      HTTP_ACCEPT_LANGUAGE: "en",
      HTTP_ACCEPT_ENCODING: "gzip, deflate",
      HTTP_COOKIE: "rehearsal=1",
      PATH: "/usr/local/bin:/usr/bin:/bin",
      SERVER_SIGNATURE: "",
      SERVER_SOFTWARE: "Apache",
      SERVER_NAME: "localhost",
      SERVER_ADDR: "127.0.0.1",
      SERVER_PORT: "80",
      REMOTE_ADDR: "127.0.0.1",
      DOCUMENT_ROOT: "/",
      REQUEST_SCHEME: "http",
      CONTEXT_PREFIX: "",
      CONTEXT_DOCUMENT_ROOT: "/",
      SERVER_ADMIN: "[no address given]",
      SCRIPT_FILENAME: "proxy:fcgi://localhost/rehearsal",
      REMOTE_PORT: "1024",
      GATEWAY_INTERFACE: "CGI/1.1",
      SERVER_PROTOCOL: "HTTP/1.1",
      REQUEST_METHOD: "GET",
      QUERY_STRING: "page=1",
      REQUEST_URI: "/rehearsal?page=1",
      SCRIPT_NAME: "",
      PATH_INFO: "/rehearsal",
    }),
  }),
  encodeStdinEnd(1),
]);

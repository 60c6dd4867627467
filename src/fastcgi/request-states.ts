// The law of one request id, as a table: role → state → what arrived → what to do, and the next
// state. All transitions are here; application.ts performs them and adds none. README.md prints
// this table, and a test keeps the two equal.

import type { Role } from "./record.ts";

/**
 * params: the parameters are not complete, and the app knows nothing yet.
 * stdin, data: the app has the request; its body, its second stream, is coming.
 * complete: everything came, the reply is awaited.
 * aborted: the web server took the request back.
 * refused: the request broke a limit or the law, and a refusal is awaited.
 */
export type State = "params" | "stdin" | "data" | "complete" | "aborted" | "refused";

/** A record of an open id: by its type, and for the streams by whether it is the empty one that ends them. */
export type Input = "PARAMS" | "PARAMS end" | "STDIN" | "STDIN end" | "DATA" | "DATA end" | "ABORT";

/**
 * collect: add to the parameters. admit: the parameters are complete, tell the app.
 * pass: give the bytes to the app. finish: tell the app that the stream is complete.
 * abort: tell the app. forget: answer END_REQUEST ourselves, for the app never heard of it.
 * ignore: it means nothing any more. stray: it never meant anything; few are tolerated.
 * violate: the connection cannot be trusted any longer.
 */
export type Action = "collect" | "admit" | "pass" | "finish" | "abort" | "forget" | "ignore" | "stray" | "violate";

export interface Step {
  readonly action: Action;
  /** Undefined: the state stays. */
  readonly next?: State;
}

export type Row = Readonly<Record<Input, Step>>;

const collect: Step = { action: "collect" };
const pass: Step = { action: "pass" };
const ignore: Step = { action: "ignore" };
const stray: Step = { action: "stray" };
const violate: Step = { action: "violate" };
const forget: Step = { action: "forget" };
const abort: Step = { action: "abort", next: "aborted" };
const admit = (next: State): Step => ({ action: "admit", next });
const finish = (next: State): Step => ({ action: "finish", next });

/** The rest of a request that is over for the app but not yet answered. */
const over: Row = {
  PARAMS: ignore,
  "PARAMS end": ignore,
  STDIN: ignore,
  "STDIN end": ignore,
  DATA: ignore,
  "DATA end": ignore,
  ABORT: ignore,
};

/** A state that the role never enters. */
const unreachable: Row = {
  PARAMS: violate,
  "PARAMS end": violate,
  STDIN: violate,
  "STDIN end": violate,
  DATA: violate,
  "DATA end": violate,
  ABORT: violate,
};

// biome-ignore format: a table is read by its columns
export const TRANSITIONS: Readonly<Record<Role, Readonly<Record<State, Row>>>> = {
  /** [FCGI §6.2] */
  responder: {
    params:   { PARAMS: collect, "PARAMS end": admit("stdin"), STDIN: violate, "STDIN end": violate, DATA: stray, "DATA end": stray, ABORT: forget },
    stdin:    { PARAMS: violate, "PARAMS end": violate, STDIN: pass, "STDIN end": finish("complete"), DATA: stray, "DATA end": stray, ABORT: abort },
    data:     unreachable,
    complete: { PARAMS: violate, "PARAMS end": violate, STDIN: violate, "STDIN end": violate, DATA: stray, "DATA end": stray, ABORT: abort },
    aborted:  over,
    refused:  over,
  },
  /** It has no body [FCGI §6.3]: Apache sends no STDIN for it, lighttpd one empty record. */
  authorizer: {
    params:   { PARAMS: collect, "PARAMS end": admit("complete"), STDIN: violate, "STDIN end": violate, DATA: stray, "DATA end": stray, ABORT: forget },
    stdin:    unreachable,
    data:     unreachable,
    complete: { PARAMS: violate, "PARAMS end": violate, STDIN: stray, "STDIN end": ignore, DATA: stray, "DATA end": stray, ABORT: abort },
    aborted:  over,
    refused:  over,
  },
  /** DATA follows the end of STDIN [FCGI §6.4]. */
  filter: {
    params:   { PARAMS: collect, "PARAMS end": admit("stdin"), STDIN: violate, "STDIN end": violate, DATA: violate, "DATA end": violate, ABORT: forget },
    stdin:    { PARAMS: violate, "PARAMS end": violate, STDIN: pass, "STDIN end": finish("data"), DATA: violate, "DATA end": violate, ABORT: abort },
    data:     { PARAMS: violate, "PARAMS end": violate, STDIN: violate, "STDIN end": violate, DATA: pass, "DATA end": finish("complete"), ABORT: abort },
    complete: { PARAMS: violate, "PARAMS end": violate, STDIN: violate, "STDIN end": violate, DATA: violate, "DATA end": violate, ABORT: abort },
    aborted:  over,
    refused:  over,
  },
};

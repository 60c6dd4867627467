// A `(req, res)` listener answering exchanges that have neither lane nor pool.

import type { IncomingMessage, ServerResponse } from "node:http";
import { RequestContext } from "../../../workers/context.ts";
import { replyFailure } from "../../../workers/failure.ts";
import { call } from "../../../workers/node/call.ts";
import { targetOf } from "../../../workers/node/target.ts";
import { currentExchange } from "../../../workers/output.ts";
import { FakeExchange, type FakeExchangeOptions } from "../../support/fake-exchange.ts";

export type Listener = (req: IncomingMessage, res: ServerResponse, exchange: FakeExchange) => unknown;

export interface Asked {
  readonly exchange: FakeExchange;
  readonly ctx: RequestContext;
  /** Resolves when the host would count the exchange as answered. */
  readonly done: Promise<void>;
  /** Whether it was answered before the listener's turn was over. */
  readonly atOnce: boolean;
}

/** As the host does it: what is thrown becomes a 500. */
export function begin(listener: Listener, options: FakeExchangeOptions = {}): Asked {
  const exchange = new FakeExchange(options);
  const method = options.method ?? "GET";
  const worker = { id: 1, generation: 1, requests: 1 };
  const ctx = new RequestContext({
    exchange,
    state: undefined,
    worker,
    corrections: undefined,
    waitUntil: () => {},
  } as unknown as ConstructorParameters<typeof RequestContext>[0]);
  const fail = (error: unknown) => replyFailure(exchange, error, { showErrors: false, method });
  const target = targetOf(exchange.params, "", undefined);
  let answered: Promise<void> | undefined;
  let atOnce = false;
  try {
    answered = currentExchange.run(exchange, () =>
      call({ exchange, hooks: ctx, method, target }, (req, res) => listener(req, res, exchange)),
    );
    atOnce = answered === undefined;
  } catch (error) {
    fail(error);
  }
  return { exchange, ctx, done: Promise.resolve(answered).catch(fail), atOnce };
}

export async function answer(listener: Listener, options: FakeExchangeOptions = {}): Promise<FakeExchange> {
  const { exchange, done } = begin(listener, options);
  await done;
  await exchange.answered;
  return exchange;
}

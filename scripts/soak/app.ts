// The app of the soak: keeps state, streams, allocates, uses timers, works after its reply, throws.

import type { Context } from "../../src/index.ts";
import { ERROR_MESSAGE, HELLO, LATER, page, STREAM_PIECES, streamPiece } from "./bodies.ts";

const TICK_MS = 100;
const PIECES_AT_ONCE = 4;
const PAUSE_MS = 2;
const AFTER_REPLY_MS = 200;
/** Who leaves in the middle has left long before. */
const ENDLESS_PIECES = 2000;
const SESSIONS = 500;

interface State {
  /** Of the newest visitors, what they did last. */
  readonly sessions: Map<string, { visits: number; seen: number[] }>;
  readonly ticking: NodeJS.Timeout;
  ticks: number;
  afterReplies: number;
}

export function init(): State {
  const state: State = {
    sessions: new Map(),
    ticking: setInterval(() => state.ticks++, TICK_MS),
    ticks: 0,
    afterReplies: 0,
  };
  return state;
}

export function dispose({ ticking }: State): void {
  clearInterval(ticking);
}

export async function fetch(request: Request, ctx: Context<State>): Promise<Response> {
  const { pathname } = new URL(request.url);
  remember(ctx.state, ctx.remoteAddress.port ?? 0);
  switch (pathname.slice(pathname.lastIndexOf("/") + 1)) {
    case "hello":
      return new Response(HELLO);
    case "page":
      return new Response(page(), { headers: { "content-type": "text/html" } });
    case "echo":
      return new Response(await request.arrayBuffer());
    case "stream":
      return new Response(pieces(STREAM_PIECES));
    case "endless":
      return new Response(pieces(ENDLESS_PIECES));
    case "later":
      ctx.waitUntil(afterReply(ctx.state));
      return new Response(LATER);
    case "throws":
      throw new Error(ERROR_MESSAGE);
    default:
      return new Response("no such page\n", { status: 404 });
  }
}

function remember({ sessions }: State, visitor: number): void {
  const key = String(visitor);
  const session = sessions.get(key) ?? { visits: 0, seen: [] };
  sessions.delete(key);
  sessions.set(key, { visits: session.visits + 1, seen: [...session.seen.slice(-99), performance.now()] });
  const [oldest] = sessions.keys();
  if (sessions.size > SESSIONS && oldest !== undefined) sessions.delete(oldest);
}

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) {
    if (index % PIECES_AT_ONCE === 0) await pause(PAUSE_MS);
    yield streamPiece(index);
  }
}

async function afterReply(state: State): Promise<void> {
  await pause(AFTER_REPLY_MS);
  state.afterReplies++;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

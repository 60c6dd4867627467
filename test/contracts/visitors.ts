// Visitors of one app that keeps something of each of them wherever it can, over several workers: nobody ever
// sees a byte of another. One suite for two lengths: visitors.test.ts and visitors.long.ts.

import { randomBytes } from "node:crypto";
import { eventually } from "../support/eventually.ts";
import type { ClientReply, FastCgiClient } from "../support/fastcgi-client.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";

const USERS = 100;
const CONNECTIONS = 24;
const WORKERS = 3;
const CONCURRENCY = 6;
/** Longer than a lane's ring, than a record, and than what is kept as text. */
const LONG_BYTES = 150_000;

/** Its own of everything: locals, cache, module scope, body, cookie; and in turns with everybody else's. */
const APP = `
import { currentContext, lock } from "holdfast";

const visitors = new Map();
const ways = [
  () => undefined,
  () => new Promise((resolve) => setImmediate(resolve)),
  () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3)),
];
const turn = () => ways[Math.floor(Math.random() * ways.length)]();
const inDepth = async () => { await turn(); return currentContext()?.locals.token; };

export default async (request, ctx) => {
  const how = ctx.env.QUERY_STRING;
  const token = request.headers.get("cookie").slice("user=".length);
  const user = token.slice(0, token.indexOf("-"));
  const found = Object.keys(ctx.locals);
  ctx.locals.token = token;
  visitors.set(user, (visitors.get(user) ?? new Set()).add(token));
  await turn();
  const before = await ctx.cache.get("user:" + user);
  await ctx.cache.set("user:" + user, { token, more: how === "long" ? token.repeat(3000) : "" }, { ttl: "5m" });
  const made = await ctx.cache.remember("made:" + user, { ttl: "5m" }, inDepth);
  const held = how === "lock" ? await lock("user:" + user, inDepth) : token;
  const body = await request.text();
  const visits = await ctx.cache.increment("visits:" + user);
  if (how === "throws") throw new Error(token);
  const seen = JSON.stringify({
    token, found, held, made, body,
    before: before === undefined || before.token === token && before.more.replaceAll(token, "") === "",
    module: [...visitors.get(user)],
    depth: await inDepth(),
    same: currentContext() === ctx,
    cookie: request.headers.get("cookie"),
  });
  const headers = { "set-cookie": "user=" + token, "x-visits": String(visits), "x-worker": String(ctx.worker.id) };
  if (how !== "stream") return new Response(seen, { headers });
  const middle = Math.floor(seen.length / 2);
  return new Response((async function* () { yield seen.slice(0, middle); await turn(); yield seen.slice(middle); })(), { headers });
};
`;

const WAYS = ["plain", "plain", "plain", "stream", "lock"] as const;

export interface VisitorsReport {
  readonly requests: number;
  readonly users: number;
  readonly workers: number;
  /** Of those that were answered whole; the others hung up. */
  readonly answered: number;
  readonly hungUp: number;
  readonly replyBytes: number;
  readonly cache: object | undefined;
  readonly seconds: number;
}

/** Rejects at the first reply that is not exactly what its visitor has to see. */
export async function visit(requests: number, running: RunningPool): Promise<VisitorsReport> {
  const users = Array.from({ length: USERS }, (_, n) => ({
    token: `u${n}-${randomBytes(16).toString("hex")}`,
    counted: [] as number[],
    asked: 0,
  }));
  const workers = new Set<string>();
  let asked = 0;
  let answered = 0;
  let hungUp = 0;
  let replyBytes = 0;
  const from = performance.now();

  const request = (turn: number) => {
    const user = users[Math.floor(Math.random() * USERS)];
    if (user === undefined) throw new Error("nobody");
    const how = turn % 211 === 0 ? "long" : turn % 97 === 0 ? "throws" : (WAYS[turn % WAYS.length] ?? "plain");
    const times = how === "long" ? Math.ceil(LONG_BYTES / user.token.length) : turn % 5;
    const body = user.token.repeat(times);
    const params = {
      ...paramsOf(`/visit?${how}`),
      REQUEST_METHOD: "POST",
      CONTENT_LENGTH: String(body.length),
      HTTP_COOKIE: `user=${user.token}`,
    };
    user.asked++;
    return { user, how, body, params };
  };

  const check = ({ user, how, body }: ReturnType<typeof request>, reply: ClientReply): void => {
    const { token } = user;
    const text = reply.body.toString("latin1");
    replyBytes += text.length;
    if (how === "throws") {
      // Its error belongs into the log, and nobody's token into a page.
      if (reply.status !== 500 || /u\d+-[0-9a-f]{32}/.test(text))
        throw new Error(`${token} got ${reply.status} ${text}`);
      return;
    }
    const wanted = {
      token,
      found: [],
      held: token,
      made: token,
      body,
      before: true,
      module: [token],
      depth: token,
      same: true,
      cookie: `user=${token}`,
    };
    if (reply.status !== 200 || text !== JSON.stringify(wanted) || reply.header("set-cookie") !== `user=${token}`) {
      throw new Error(`${token} (${how}) got ${reply.status} ${text.slice(0, 2000)}`);
    }
    user.counted.push(Number(reply.header("x-visits")));
    workers.add(reply.header("x-worker") ?? "");
  };

  const visitor = async (): Promise<void> => {
    let client: FastCgiClient = await running.connect(60_000);
    while (asked < requests) {
      const turn = asked++;
      const mine = request(turn);
      const reply = client.request({ params: mine.params, body: mine.body });
      if (turn % 199 === 0) {
        reply.catch(() => {}); // that is the point
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        await client.close();
        client = await running.connect(60_000);
        hungUp++;
        continue;
      }
      check(mine, await reply);
      client.forget();
      answered++;
    }
    await client.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, visitor));
  await eventually(() => running.pool.status().workers.every(({ open }) => open === 0), 30_000);

  // Each visit was counted once, whichever worker had it.
  for (const { token, counted, asked: all } of users) {
    if (new Set(counted).size !== counted.length || Math.max(0, ...counted) > all)
      throw new Error(`${token} was miscounted`);
  }
  const status = running.pool.status();
  if (status.workersLost > 0 || status.locks.held > 0) throw new Error(`${status.workersLost} workers were lost`);
  const seconds = Math.round((performance.now() - from) / 100) / 10;
  const { cache } = status.spaces;
  return { requests, users: USERS, workers: workers.size, answered, hungUp, replyBytes, cache, seconds };
}

/** One test; `told` gets what came of it. */
export function nobodySeesAnother(requests: number, timeoutMs: number, told: (report: VisitorsReport) => void): void {
  let running: RunningPool | undefined;

  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  it(
    `${requests} visits of ${USERS} visitors at several workers show nobody a byte of another`,
    async () => {
      running = await startPool(
        { "app.mjs": APP },
        { root: undefined, app: "root/app.mjs", threads: WORKERS, concurrency: CONCURRENCY },
      );
      const report = await visit(requests, running);
      expect(report.workers).toBe(WORKERS);
      expect(report.answered + report.hungUp).toBe(requests);
      told(report);
    },
    timeoutMs,
  );
}

// The order in which a pool ends, by itself; and a pool that drains, told again that it has less time.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { Drain } from "../../src/pool/drain.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import type { ClientReply } from "../support/fastcgi-client.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";

const WAITS = `import { writeFileSync } from "node:fs";
  export default () => {
    writeFileSync(new URL("begun", import.meta.url), "");
    return new Promise(() => {});
  };`;
const LONG_MS = 60_000;
const inMs = (ms: number): number => systemClock.now() + ms;

describe("a drain", () => {
  const giveAway = async () => {};
  let clock: FakeClock;
  let told: string[];
  let emptied: PromiseWithResolvers<void>;
  let drain: Drain;

  beforeEach(() => {
    clock = new FakeClock();
    told = [];
    emptied = Promise.withResolvers<void>();
    drain = new Drain({
      clock,
      gateway: {
        drain: (gives, overMs) => {
          told.push(`connections ${gives === undefined ? "end" : "are given away"} over ${overMs} ms`);
          return emptied.promise;
        },
      },
      dispatcher: { failAll: (waiting, begun) => told.push(`open requests: ${waiting.status} or ${begun.status}`) },
      workforce: { drain: async (by) => void told.push(`workers leave by ${by}`) },
      shared: { finish: async (withinMs) => void told.push(`the rest of what they shared: ${withinMs} ms`) },
      stirred() {},
      forsaken: () => told.push("forsaken"),
      close: async () => void told.push("closed"),
    });
  });

  it("lets connections end, then workers, then what these shared, and ends by then", async () => {
    const done = drain.by(20_000);
    expect(told).toEqual(["connections end over 1000 ms"]);
    emptied.resolve();
    await done;
    expect(told.slice(1)).toEqual([
      "open requests: 503 or 504",
      "workers leave by 20000",
      "the rest of what they shared: 10000 ms",
      "closed",
    ]);
    expect(clock.pending).toBe(0);
  });

  it("waits for no connection beyond its deadline", async () => {
    const done = drain.by(2000);
    clock.advance(2000);
    await done;
    expect(told).toEqual([
      "connections end over 500 ms",
      "open requests: 503 or 504",
      "workers leave by 2000",
      "the rest of what they shared: 0 ms",
      "closed",
    ]);
  });

  it("says that it keeps nobody waiting once all connections went to another process", async () => {
    const done = drain.by(20_000, giveAway);
    emptied.resolve();
    await done;
    expect(told).toContain("forsaken");
  });

  it("does not say so where they merely ended", async () => {
    const ended = drain.by(20_000, giveAway);
    void drain.by(20_000);
    emptied.resolve();
    await ended;
    expect(told).not.toContain("forsaken");
  });

  it("takes the earlier of two deadlines", async () => {
    const done = drain.by(20_000);
    void drain.by(1000);
    void drain.by(30_000);
    clock.advance(1000);
    await done;
    expect(told).toContain("workers leave by 1000");
  });
});

describe("a pool that drains", () => {
  let running: RunningPool;
  afterEach(() => running.stop());

  /** A request that its handler has begun, and never answers. */
  async function open(): Promise<Promise<ClientReply>[]> {
    running = await startPool({ "waits.mjs": WAITS }, { threads: 1 });
    const client = await running.connect();
    const reply = client.request({ params: paramsOf("/waits.mjs") });
    await eventually(() => existsSync(join(running.dir.path, "root/begun")));
    return [reply];
  }

  it("is ended by a later, shorter deadline, and what it still worked on is answered", async () => {
    const [reply] = await open();
    const drained = running.pool.drain(inMs(LONG_MS));
    void running.pool.drain(inMs(50));
    expect((await reply)?.status).toBe(504);
    await drained;
  });

  it("is hurried also while its workers are already leaving", async () => {
    const app = `import { writeFileSync } from "node:fs";
      export const init = () => 1;
      export default () => new Response("ok");
      export const dispose = () => {
        writeFileSync(new URL("disposing", import.meta.url), "");
        return new Promise(() => {});
      };`;
    running = await startPool({ "app.mjs": app }, { threads: 1, dispose_timeout: "1h" });
    expect((await running.get("/app.mjs")).status).toBe(200);
    const drained = running.pool.drain(inMs(LONG_MS));
    await eventually(() => existsSync(join(running.dir.path, "root/disposing")));
    void running.pool.drain(inMs(50));
    await drained;
  });

  it("does not get more time by being asked again", async () => {
    const [reply] = await open();
    const drained = running.pool.drain(inMs(50));
    void running.pool.drain(inMs(LONG_MS));
    expect((await reply)?.status).toBe(504);
    await drained;
  });

  it("gives away a connection whose request was ended by the deadline", async () => {
    const [reply] = await open();
    let given = 0;
    const drained = running.pool.drain(inMs(50), async (handle) => {
      given++;
      expect((await reply)?.status).toBe(504);
      handle.close();
    });
    await drained;
    expect(given).toBe(1);
  });
});

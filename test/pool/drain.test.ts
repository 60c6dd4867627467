// A pool that drains, told again that it has less time, or that nobody takes its connections any more.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { eventually } from "../support/eventually.ts";
import type { ClientReply } from "../support/fastcgi-client.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";

const WAITS = `import { writeFileSync } from "node:fs";
  export default () => {
    writeFileSync(new URL("begun", import.meta.url), "");
    return new Promise(() => {});
  };`;
const LONG_MS = 60_000;
const inMs = (ms: number): number => systemClock.now() + ms;

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

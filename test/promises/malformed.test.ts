// One malformed record of any kind never ends a process, nor disturbs another connection.

import { connectFastCgi } from "../support/fastcgi-client.ts";
import { readCorpus } from "../support/fastcgi-corpus.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";

describe.each(["holdfast", "node-fastcgi"])("hostile bytes on the socket of a pool with gateway = %j", (gateway) => {
  let running: RunningPool;

  beforeAll(async () => {
    running = await startPool(
      { "app.ts": "let n = 0; export default () => new Response(String(++n));" },
      { root: undefined, app: "root/app.ts", threads: 1, gateway },
    );
  });

  afterAll(() => running.stop());

  it("leave a kept connection, the workers and their state alone", async () => {
    const good = await running.connect();
    let asked = 0;
    const ask = async (): Promise<void> => {
      const reply = await good.request({ params: paramsOf("/") });
      asked++;
      expect([reply.status, Number(reply.body.toString()) >= asked]).toEqual([200, true]);
    };
    await ask();
    const cases = [...readCorpus("invalid"), ...readCorpus("valid")];
    expect(cases.length).toBeGreaterThan(80);
    for (const { steps } of cases) {
      const hostile = await connectFastCgi({ path: running.path });
      for (const step of steps) if ("bytes" in step) hostile.send(step.bytes);
      hostile.endSending();
      await ask();
      await hostile.close();
    }
    await ask();
    expect(running.pool.status()).toMatchObject({ workersLost: 0, workersGeneration: 1, failed: 0 });
    expect(running.pool.status().workers.map(({ worker }) => worker)).toEqual([1]);
  });

  it("of another protocol end only their own connection", async () => {
    const good = await running.connect();
    for (const text of ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02\x00\x01", "PING\r\n", "SSH-2.0-x\r\n"]) {
      const stranger = await connectFastCgi({ path: running.path });
      stranger.send(Buffer.from(text, "latin1"));
      await stranger.closed;
    }
    expect((await good.request({ params: paramsOf("/") })).status).toBe(200);
  });
});

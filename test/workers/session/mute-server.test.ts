// A server that takes connections and says nothing, as one that was stopped or swaps: each request has its answer in
// time, and leaves nothing behind.

import { type AddressInfo, createServer, type Server } from "node:net";
import { systemClock } from "../../../src/base/clock.ts";
import { WorkerSessions } from "../../../workers/session/worker-sessions.ts";
import { eventually } from "../../support/eventually.ts";
import { sessionOptions } from "../../support/session-options.ts";

const REQUESTS = 10;

describe.each(["redis", "postgres"] as const)("%s that says nothing", (kind) => {
  let server: Server;
  let open: number;
  let made: number;
  /** Says +OK to each command of Redis while this is set. */
  let speaks: boolean;
  let sessions: WorkerSessions;

  beforeEach(async () => {
    [open, made, speaks] = [0, 0, false];
    server = createServer((socket) => {
      open++;
      made++;
      socket.on("close", () => open--);
      socket.on("error", () => {});
      socket.on("data", (said) => {
        if (speaks) socket.write("+OK\r\n".repeat(said.toString().match(/^\*\d/gm)?.length ?? 0));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `${kind}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    sessions = new WorkerSessions({
      options: sessionOptions({ store: kind, url, storeTimeoutMs: 100 }),
      pool: "test",
      mount: "",
      cookieSecrets: [],
      processes: 1,
      from: import.meta.dirname,
      poolState: undefined,
      clock: systemClock,
      log() {},
      outside: (work) => work(),
    });
  });

  afterEach(async () => {
    await sessions.close().catch(() => {});
    await new Promise((resolve) => server.close(resolve));
  });

  it("is 503 for each that would open it, and no connection stays", async () => {
    for (let n = 0; n < REQUESTS; n++) await expect(sessions.store()).rejects.toMatchObject({ status: 503 });
    expect(made).toBeGreaterThan(1);
    await eventually(() => open === 0);
  });

  // The other's connections are its driver's to look after.
  if (kind !== "redis") return;

  it("is the same when it falls silent later", async () => {
    speaks = true;
    // A busy machine may need longer than its deadline.
    const { store } = await eventually(() => sessions.store().catch(() => undefined), 15_000);
    speaks = false;
    for (let n = 0; n < REQUESTS; n++) await expect(store.read("key")).rejects.toMatchObject({ status: 503 });
    await eventually(() => open === 0);
  });
});

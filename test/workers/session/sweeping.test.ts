import { setImmediate as turn } from "node:timers/promises";
import type { SessionStore } from "../../../workers/session/store.ts";
import { WorkerSessions } from "../../../workers/session/worker-sessions.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { sessionOptions } from "../../support/session-options.ts";

const MINUTE = 60_000;

describe("expired sessions", () => {
  let clock: FakeClock;
  let lines: string[];
  let sweeps: number;
  let sweep: () => Promise<boolean>;
  let sessions: WorkerSessions;

  beforeEach(() => {
    clock = new FakeClock();
    lines = [];
    sweeps = 0;
    sweep = async () => false;
    const store = {
      name: "fake",
      sweep: () => {
        sweeps++;
        return sweep();
      },
      close: async () => {},
    } as unknown as SessionStore;
    sessions = new WorkerSessions({
      options: sessionOptions(),
      pool: "test",
      mount: "",
      cookieSecrets: [],
      processes: 1,
      from: "",
      poolState: undefined,
      clock,
      log: (_level, message) => lines.push(message),
      outside: (work) => work(),
      store,
    });
  });

  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    for (let turns = 0; turns < 5; turns++) await turn();
  };

  it("are swept now and then, and not before the first session was opened", async () => {
    await pass(10 * MINUTE);
    expect([sweeps, clock.pending]).toEqual([0, 0]);
    await sessions.store();
    await pass(MINUTE - 1);
    expect(sweeps).toBe(0);
    await pass(MINUTE + 1);
    expect(sweeps).toBe(1);
    await pass(2 * MINUTE);
    expect(sweeps).toBe(2);
  });

  it("are swept on where there are more, a few at a time", async () => {
    sweep = async () => sweeps < 5;
    await sessions.store();
    await pass(2 * MINUTE);
    for (let n = 0; n < 4; n++) await pass(400);
    expect(sweeps).toBe(5);
    await pass(MINUTE - 1);
    expect(sweeps).toBe(5);
  });

  it("are swept later where the store failed, and the log says so", async () => {
    sweep = () => (sweeps === 1 ? Promise.reject(new Error("disk is full")) : Promise.resolve(false));
    await sessions.store();
    await pass(2 * MINUTE);
    expect(lines).toEqual(["expired sessions could not be removed"]);
    await pass(2 * MINUTE);
    expect([sweeps, lines.length]).toEqual([2, 1]);
  });

  it("are left to others by a worker that has ended", async () => {
    await sessions.store();
    await sessions.close();
    await pass(10 * MINUTE);
    expect([sweeps, clock.pending]).toEqual([0, 0]);
  });
});

import { Fault } from "../../src/base/fault.ts";
import { handleSignals } from "../../src/supervisor/signals.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("signals to the supervisor", () => {
  const log = createLog("json", "debug", () => {});
  let release = (): void => {};
  let clock: FakeClock;
  let did: string[];
  const target = {
    stop: (reason: string) => did.push(`stop ${reason}`),
    stopNow: (reason: string) => did.push(`stop now ${reason}`),
    reload: async (scope: unknown) => did.push(`reload ${scope}`),
    succeed: async () => did.push("succeed"),
    reopenLogs: () => {
      did.push("reopen logs");
    },
  };
  /** Lets what waits for the target go on. */
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  beforeEach(() => {
    clock = new FakeClock();
    did = [];
  });
  afterEach(() => release());

  it.each(["SIGTERM", "SIGINT", "SIGQUIT"] as const)("%s stops, and again ends everything now", async (signal) => {
    release = handleSignals(target, log, clock);
    process.emit(signal);
    clock.advance(1000);
    process.emit(signal);
    await turn();
    expect(did).toEqual([`stop ${signal}`, `stop now ${signal}`]);
  });

  it("SIGHUP reloads every pool, each time", async () => {
    release = handleSignals(target, log, clock);
    process.emit("SIGHUP");
    process.emit("SIGHUP");
    await turn();
    expect(did).toEqual(["reload all", "reload all"]);
  });

  it("SIGUSR2 has the supervisor replaced, and what cannot be is said", async () => {
    release = handleSignals(target, log, clock);
    process.emit("SIGUSR2");
    await turn();
    expect(did).toEqual(["succeed"]);
    release();
    const lines: string[] = [];
    const refusing = {
      ...target,
      succeed: async () => Promise.reject(new Fault("USAGE", "not here", { hint: "there" })),
    };
    release = handleSignals(
      refusing,
      createLog("json", "debug", (line) => lines.push(line)),
      clock,
    );
    process.emit("SIGUSR2");
    await turn();
    expect(lines.join("")).toMatch(/"reason":"not here","hint":"there"/);
  });

  it("the same one twice at the same moment is one: a launcher passes on what its group was sent", async () => {
    release = handleSignals(target, log, clock);
    process.emit("SIGINT");
    clock.advance(99);
    process.emit("SIGINT");
    await turn();
    expect(did).toEqual(["stop SIGINT"]);
  });

  it("another one at the same moment is a second", async () => {
    release = handleSignals(target, log, clock);
    process.emit("SIGINT");
    process.emit("SIGTERM");
    await turn();
    expect(did).toEqual(["stop SIGINT", "stop now SIGTERM"]);
  });

  it("SIGUSR1 opens the logs anew, each time", async () => {
    release = handleSignals(target, log, clock);
    process.emit("SIGUSR1");
    process.emit("SIGUSR1");
    await turn();
    expect(did).toEqual(["reopen logs", "reopen logs"]);
  });

  it("one that comes before the start is over acts then", async () => {
    const starting = Promise.withResolvers<typeof target>();
    release = handleSignals(starting.promise, log, clock);
    process.emit("SIGTERM");
    await turn();
    expect(did).toEqual([]);
    starting.resolve(target);
    await turn();
    expect(did).toEqual(["stop SIGTERM"]);
  });

  it("are nobody's business after a start that failed, and after the release", async () => {
    const before = process.listenerCount("SIGTERM");
    const starting = Promise.withResolvers<typeof target>();
    release = handleSignals(starting.promise, log, clock);
    process.emit("SIGTERM");
    starting.reject(new Error("no"));
    await turn();
    expect(did).toEqual([]);
    release();
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });
});

import { causeOfDeath, notStarted, toldToLeave } from "../../src/supervisor/endings.ts";

const pool = { name: "shop", bootTimeoutMs: 30_000 };

describe("why a pool process ended", () => {
  it.each([
    [
      "it died while it booted",
      { killed: false, wasReady: false },
      "process 7 ended before it was ready (exit code 1)",
    ],
    ["it died while it served", { killed: false, wasReady: true }, "process 7 ended unexpectedly (exit code 1)"],
    ["it hung while it booted", { killed: true, wasReady: false }, "the app was not ready within 30 s"],
    ["it was killed later", { killed: true, wasReady: true }, "process 7 ended unexpectedly (exit code 1)"],
  ])("%s", (_, how, message) => {
    const fault = causeOfDeath({ pool, pid: 7, ending: "exit code 1", ...how });
    expect([fault.code, fault.message]).toEqual(["BOOT", `pool shop: ${message}`]);
  });

  it("a boot that took too long tells what can be done", () => {
    const fault = causeOfDeath({ pool, pid: 7, ending: "SIGKILL", killed: true, wasReady: false });
    expect(fault.hint).toContain("boot_timeout");
  });

  it("somebody told it to go", () => {
    expect(toldToLeave(pool, 7).message).toBe("pool shop: process 7 was told by a signal to leave");
  });
});

describe("why a pool process did not start", () => {
  const error = new Error("spawn /usr/bin/node ENOENT");

  it("is what the system says", () => {
    for (const folder of [{}, { chdir: "/" }]) expect(notStarted(folder, error)).toContain(error.message);
  });

  it("is its working folder, where that has gone: the system names the program then", () => {
    const text = notStarted({ chdir: "/nowhere/at/all" }, error);
    expect(text).toBe("it could not be started: there is no /nowhere/at/all, its working folder");
  });
});

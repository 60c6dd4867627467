import { PROCESS_REST_MS, ProcessMemory } from "../../src/pool/process-memory.ts";
import { FakeClock } from "../support/fake-clock.ts";

const MIB = 1024 * 1024;

describe("recycle.max_process_memory", () => {
  it("has the process replaced, once, when it holds that much", () => {
    const clock = new FakeClock();
    let bytes = 300 * MIB - 1;
    const memory = new ProcessMemory({ limitBytes: 300 * MIB, clock, residentBytes: () => bytes });
    clock.advance(PROCESS_REST_MS);
    expect(memory.look()).toBeUndefined();
    bytes++;
    expect([memory.look(), memory.look()]).toEqual(["recycle.max_process_memory: it holds 300 MiB", undefined]);
  });

  it("leaves a process some time, also where the limit is less than the app needs", () => {
    const clock = new FakeClock();
    const memory = new ProcessMemory({ limitBytes: 1, clock });
    clock.advance(PROCESS_REST_MS - 1);
    expect(memory.look()).toBeUndefined();
    clock.advance(1);
    expect(memory.look()).toContain("MiB");
  });

  it("is off at 0", () => {
    const clock = new FakeClock();
    const memory = new ProcessMemory({ limitBytes: 0, clock });
    clock.advance(PROCESS_REST_MS);
    expect(memory.look()).toBeUndefined();
  });
});

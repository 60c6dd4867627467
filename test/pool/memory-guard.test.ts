import { GUARD_HEADROOM_BYTES, GUARD_MS, MemoryGuard } from "../../src/pool/memory-guard.ts";
import { FakeClock } from "../support/fake-clock.ts";

const MIB = 1024 * 1024;
const LIMIT = 512 * MIB;

function setUp() {
  const clock = new FakeClock();
  let residentBytes = 100 * MIB;
  const guard = new MemoryGuard<ReturnType<typeof worker>>({
    memoryLimitBytes: LIMIT,
    clock,
    residentBytes: () => residentBytes,
  });
  const worker = (name: string) => ({
    name,
    memoryBytes: 0,
    holds: 0,
    weighed: 0,
    weighings: 0,
    answers: true,
    weigh() {
      this.weighed++;
      if (!this.answers) return;
      this.weighings++;
      this.memoryBytes = this.holds;
    },
  });
  const workers = [worker("first"), worker("second")] as const;
  const look = (resident: number): readonly string[] => {
    residentBytes = resident;
    clock.advance(GUARD_MS);
    return guard.over(workers).map(({ name }) => name);
  };
  return { clock, guard, workers, look };
}

describe("the guard of memory_limit", () => {
  it("has no worker weighed while the whole process holds less than one worker may", () => {
    const { workers, look } = setUp();
    look(LIMIT);
    look(LIMIT + GUARD_HEADROOM_BYTES - 1);
    expect(workers.map(({ weighed }) => weighed)).toEqual([0, 0]);
  });

  it("has them weighed when the process has grown, and not again until it grows on", () => {
    const { workers, look } = setUp();
    look(1000 * MIB);
    look(1001 * MIB);
    expect(workers[0].weighed).toBe(1);
    look(1100 * MIB);
    expect(workers[0].weighed).toBe(2);
    look(700 * MIB);
    look(800 * MIB);
    expect(workers[0].weighed).toBe(3);
  });

  it("names a worker that stays over the limit, once, and not the one beside it", () => {
    const { workers, look } = setUp();
    workers[1].holds = LIMIT + GUARD_HEADROOM_BYTES;
    expect([look(2000 * MIB), look(2000 * MIB), look(2000 * MIB), look(3000 * MIB)]).toEqual([[], [], ["second"], []]);
  });

  it("takes what it has heard once for one peak, however often it looks until it hears again", () => {
    const { workers, look } = setUp();
    workers[0].holds = LIMIT + GUARD_HEADROOM_BYTES;
    look(2000 * MIB);
    workers[0].answers = false;
    expect([look(2000 * MIB), look(2000 * MIB), look(2000 * MIB)]).toEqual([[], [], []]);
    workers[0].answers = true;
    expect([look(2000 * MIB), look(2000 * MIB)]).toEqual([[], ["first"]]);
  });

  it("lets a peak pass that is gone at the next look", () => {
    const { workers, look } = setUp();
    workers[0].holds = 2 * LIMIT;
    expect(look(2000 * MIB)).toEqual([]); // weighed
    workers[0].holds = 10 * MIB;
    expect(look(2000 * MIB)).toEqual([]); // was over, weighed again
    workers[0].holds = 2 * LIMIT;
    expect([look(2000 * MIB), look(3000 * MIB), look(3000 * MIB)]).toEqual([[], [], []]);
  });

  it("looks at the process at most ten times a second", () => {
    const { clock, guard, workers } = setUp();
    workers[0].memoryBytes = 2 * LIMIT;
    clock.advance(GUARD_MS);
    guard.over(workers);
    clock.advance(GUARD_MS - 1);
    expect([guard.over(workers), workers[0].weighed]).toEqual([[], 0]);
  });
});

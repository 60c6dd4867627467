import { fixedThreads } from "../../src/config/thread-count.ts";
import { PRESSURE_MS, type SizedWorker, Sizing } from "../../src/pool/sizing.ts";

const ELASTIC = { min: 1, max: 3, idleTimeoutMs: 60_000 };
const ON_DEMAND = { ...ELASTIC, min: 0 };

const pressed = { present: 1, booting: 0, oldestWaitMs: PRESSURE_MS };

class Worker implements SizedWorker {
  served = 0;
  open = 0;
}

describe("more workers", () => {
  it("are wanted one at a time, while requests wait and nobody boots, up to max", () => {
    const sizing = new Sizing(ELASTIC);
    expect([sizing.grow(pressed), sizing.wanted]).toEqual([true, 2]);
    expect(sizing.grow({ ...pressed, present: 2, booting: 1 })).toBe(false);
    expect([sizing.grow({ ...pressed, present: 2 }), sizing.wanted]).toEqual([true, 3]);
    expect([sizing.grow({ ...pressed, present: 3 }), sizing.wanted]).toEqual([false, 3]);
  });

  it("are not wanted for a request that has only just come", () => {
    const sizing = new Sizing(ELASTIC);
    expect(sizing.grow({ ...pressed, oldestWaitMs: PRESSURE_MS - 1 })).toBe(false);
    expect(sizing.grow({ ...pressed, oldestWaitMs: undefined })).toBe(false);
    expect(sizing.wanted).toBe(1);
  });

  it("are wanted at once by the first request of a pool that has none", () => {
    const sizing = new Sizing(ON_DEMAND);
    expect(sizing.wanted).toBe(0);
    expect(sizing.grow({ present: 0, booting: 0, oldestWaitMs: undefined })).toBe(false);
    expect([sizing.grow({ present: 0, booting: 0, oldestWaitMs: 0 }), sizing.wanted]).toEqual([true, 1]);
  });

  it("are not wanted beyond a fixed number", () => {
    const sizing = new Sizing(fixedThreads(2));
    expect([sizing.elastic, sizing.grow({ ...pressed, present: 2 }), sizing.wanted]).toEqual([false, false, 2]);
  });

  it("are not wanted while those that are wanted already are not there", () => {
    const sizing = new Sizing(fixedThreads(2));
    expect([sizing.grow(pressed), sizing.wanted]).toEqual([false, 2]);
  });

  it("are given up when one did not boot, until there is need again", () => {
    const sizing = new Sizing(ON_DEMAND);
    sizing.grow({ ...pressed, present: 0 });
    sizing.settle(0);
    expect(sizing.wanted).toBe(0);
    const fixed = new Sizing(fixedThreads(2));
    fixed.settle(0);
    expect(fixed.wanted).toBe(2);
  });
});

describe("fewer workers", () => {
  it("are wanted when one had nothing to do for the idle timeout, the coldest first, one at a time", () => {
    const sizing = new Sizing(ELASTIC);
    const workers = [new Worker(), new Worker(), new Worker()];
    sizing.grow({ ...pressed, present: 2 });
    expect(sizing.wanted).toBe(3);
    expect(sizing.shrink(workers, 0)).toBeUndefined();
    expect(sizing.shrink(workers, 59_999)).toBeUndefined();
    expect([sizing.shrink(workers, 60_000), sizing.wanted]).toEqual([workers[2], 2]);
    expect([sizing.shrink(workers.slice(0, 2), 60_000), sizing.wanted]).toEqual([workers[1], 1]);
    expect([sizing.shrink(workers.slice(0, 1), 60_000), sizing.wanted]).toEqual([undefined, 1]);
  });

  it("are not wanted of one that was given something meanwhile, or still has something open", () => {
    const sizing = new Sizing(ON_DEMAND);
    const [used, busy] = [new Worker(), new Worker()];
    sizing.shrink([used, busy], 0);
    used.served++;
    busy.open = 1;
    expect(sizing.shrink([used, busy], 60_000)).toBeUndefined();
    expect(sizing.shrink([used, busy], 119_999)).toBeUndefined();
    expect(sizing.shrink([used, busy], 120_000)).toBe(used);
  });

  it("may be none at all where min is 0", () => {
    const sizing = new Sizing(ON_DEMAND);
    const worker = new Worker();
    sizing.grow({ ...pressed, present: 0 });
    sizing.shrink([worker], 0);
    expect([sizing.shrink([worker], 60_000), sizing.wanted]).toEqual([worker, 0]);
  });
});

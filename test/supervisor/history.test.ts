import { afterLife, type Life, NO_HISTORY, PROVEN_AFTER_MS } from "../../src/supervisor/history.ts";

const life = (over: Partial<Life>): Life => ({
  readyAt: undefined,
  goneAt: 0,
  proven: false,
  asked: false,
  fault: undefined,
  ...over,
});
const short = (goneAt: number): Life => life({ readyAt: goneAt - 1, goneAt });

describe("the history of a pool's processes", () => {
  it("lets a process that served for a second be replaced at once, however it died", () => {
    const proven = life({ readyAt: 100, goneAt: 100 + PROVEN_AFTER_MS });
    expect(afterLife(NO_HISTORY, proven, 0)).toMatchObject({ failures: 0, retryAt: 1100, restarts: 1 });
  });

  it("lets a process that has answered a request be replaced at once, however soon it died", () => {
    const failing = afterLife(afterLife(NO_HISTORY, short(1), 0), short(2), 0);
    expect(afterLife(failing, { ...short(3), proven: true }, 0)).toMatchObject({ failures: 0, retryAt: 3 });
  });

  it("replaces the first that was never of use at once, then after pauses that grow up to a minute", () => {
    let history = NO_HISTORY;
    const pauses = Array.from({ length: 10 }, (_, index) => {
      history = afterLife(history, short(index), 0.999_999);
      return Math.round((history.retryAt - index) / 100) * 100;
    });
    expect(pauses).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it("counts one that never became ready as such a failure", () => {
    expect(afterLife(NO_HISTORY, life({ goneAt: 90_000 }), 0)).toMatchObject({ failures: 1 });
  });

  it("begins anew after a life that was of use", () => {
    const failing = afterLife(afterLife(NO_HISTORY, short(1), 0), short(2), 0);
    const proven = life({ readyAt: 1000, goneAt: 5000 });
    expect(failing.failures).toBe(2);
    expect(afterLife(failing, proven, 0)).toMatchObject({ failures: 0, retryAt: 5000, restarts: 3 });
  });

  it("says nothing about a process that was asked to go", () => {
    expect(afterLife(NO_HISTORY, { ...short(5), asked: true }, 0)).toBe(NO_HISTORY);
  });

  it("keeps the last reason that it was given", () => {
    const fault = { code: "BOOT", message: "it threw" } as const;
    const failed = afterLife(NO_HISTORY, life({ fault }), 0);
    expect(afterLife(failed, short(9), 0).lastFault).toEqual(fault);
  });
});

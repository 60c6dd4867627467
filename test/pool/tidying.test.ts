import { QUIET_LOOKS, Tidying } from "../../src/pool/tidying.ts";

describe("a pool's memory", () => {
  let collected: number;
  let accepted: number;
  let tidying: Tidying;

  beforeEach(() => {
    collected = 0;
    accepted = 0;
    tidying = new Tidying(() => {
      collected++;
    });
  });

  /** How often it was given back by the end of so many seconds. */
  function collectedAfter(seconds: number, threads: number, each: { open?: number; came?: number } = {}): number {
    for (let second = 0; second < seconds; second++) {
      accepted += each.came ?? 0;
      tidying.look({ threads, open: each.open ?? 0, accepted });
    }
    return collected;
  }

  it("is given back once after the start, when nothing has happened for a while", () => {
    expect(collectedAfter(QUIET_LOOKS - 1, 2)).toBe(0);
    expect(collectedAfter(1, 2)).toBe(1);
    expect(collectedAfter(10 * QUIET_LOOKS, 2)).toBe(1);
  });

  it("is given back again a while after a thread has ended, and not when one began", () => {
    expect(collectedAfter(QUIET_LOOKS, 1)).toBe(1);
    expect(collectedAfter(2 * QUIET_LOOKS, 2)).toBe(1);
    expect(collectedAfter(QUIET_LOOKS, 0)).toBe(1);
    expect(collectedAfter(1, 0)).toBe(2);
    expect(collectedAfter(10 * QUIET_LOOKS, 0)).toBe(2);
  });

  it("is left alone while requests are open or come", () => {
    expect(collectedAfter(10 * QUIET_LOOKS, 1, { open: 3 })).toBe(0);
    expect(collectedAfter(10 * QUIET_LOOKS, 1, { came: 1 })).toBe(0);
    expect(collectedAfter(QUIET_LOOKS, 1)).toBe(1);
  });
});

import { isOverMemory, lifeSpan, NO_RECYCLING, reasonToRecycle } from "../../src/pool/recycling.ts";

const FRESH = { requests: 0, ageMs: 0, memoryBytes: 0 };

describe("the span of a worker's life", () => {
  it("has no end when no rule is on", () => {
    const span = lifeSpan(NO_RECYCLING, 0.5);
    expect(span).toEqual({
      renewAfterRequests: Number.POSITIVE_INFINITY,
      maxRequests: Number.POSITIVE_INFINITY,
      renewAfterMs: Number.POSITIVE_INFINITY,
    });
    expect(reasonToRecycle({ requests: 1e9, ageMs: 1e12, memoryBytes: 1e12 }, span, 0)).toBeUndefined();
  });

  it("is exact with a jitter of 0", () => {
    expect(lifeSpan({ ...NO_RECYCLING, maxRequests: 1000, maxAgeMs: 60_000 }, 0.7)).toEqual({
      renewAfterRequests: 1000,
      maxRequests: 1000,
      renewAfterMs: 60_000,
    });
  });

  it.each([
    [0, 1000, 60_000],
    [0.5, 950, 57_000],
    [0.999, 901, 54_006],
  ])("begins to end within the last part that the jitter spreads (%d)", (random, requests, ms) => {
    const span = lifeSpan({ ...NO_RECYCLING, maxRequests: 1000, maxAgeMs: 60_000, jitter: 0.1 }, random);
    expect(span).toEqual({ renewAfterRequests: requests, maxRequests: 1000, renewAfterMs: expect.closeTo(ms, 6) });
  });

  it("holds at least one request", () => {
    expect(lifeSpan({ ...NO_RECYCLING, maxRequests: 3, jitter: 1 }, 0.999).renewAfterRequests).toBe(1);
  });
});

describe("a worker is recycled", () => {
  const span = lifeSpan({ ...NO_RECYCLING, maxRequests: 10, maxAgeMs: 3_600_000 }, 0);

  it("not before a limit is reached", () => {
    expect(reasonToRecycle({ requests: 9, ageMs: 3_599_999, memoryBytes: 99 }, span, 100)).toBeUndefined();
  });

  it("with its last request, its age, or its memory; and the reason says which", () => {
    expect(reasonToRecycle({ ...FRESH, requests: 10 }, span, 0)).toBe("recycle.max_requests: it was given 10");
    expect(reasonToRecycle({ ...FRESH, ageMs: 3_600_000 }, span, 0)).toBe("recycle.max_age: it is 3600 s old");
    expect(reasonToRecycle({ ...FRESH, memoryBytes: 300 * 1024 * 1024 }, span, 100)).toBe(
      "recycle.max_memory: it holds 300 MiB",
    );
  });

  it("for its memory only where that has a limit", () => {
    expect(isOverMemory({ memoryBytes: 1e12 }, 0)).toBe(false);
  });
});

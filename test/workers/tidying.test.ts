import { HEAP_BYTES_MAX, LOOK_MS, QUIET_LOOKS, tidyOnce } from "../../workers/tidying.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("what a worker's start leaves behind", () => {
  const QUIET_MS = LOOK_MS * QUIET_LOOKS;
  let clock: FakeClock;
  let open: number;
  let begun: number;
  let heap: number;
  let collected: number;
  let end: () => void;

  beforeEach(() => {
    clock = new FakeClock();
    open = 0;
    begun = 0;
    heap = 1;
    collected = 0;
    end = tidyOnce({
      clock,
      activity: () => ({ open, begun }),
      heapBytes: () => heap,
      collect: () => {
        collected++;
      },
    });
  });

  it("is given back once, when nothing has happened for a while", () => {
    clock.advance(QUIET_MS - 1);
    expect(collected).toBe(0);
    clock.advance(1);
    expect(collected).toBe(1);
    clock.advance(10 * QUIET_MS);
    begun = 1;
    clock.advance(10 * QUIET_MS);
    expect(collected).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it("stays while requests come or are open", () => {
    for (let looks = 0; looks < 3 * QUIET_LOOKS; looks++) {
      begun++;
      clock.advance(LOOK_MS);
    }
    open = 1;
    clock.advance(3 * QUIET_MS);
    expect(collected).toBe(0);
    open = 0;
    clock.advance(QUIET_MS);
    expect(collected).toBe(1);
  });

  it("stays where the heap has become so large that collecting it takes long", () => {
    heap = HEAP_BYTES_MAX + 1;
    clock.advance(2 * QUIET_MS);
    expect(collected).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("stays with a worker that ends before", () => {
    end();
    expect(clock.pending).toBe(0);
  });
});

import { Dispatcher } from "../../src/pool/dispatcher.ts";
import { Turns } from "../../src/pool/turns.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("the pool's turns", () => {
  it("post again what a worker had no room for, until it has, though nobody says a word", async () => {
    const clock = new FakeClock();
    const limits = { queueTimeoutMs: 1000, requestTimeoutMs: 1000, bodyTimeoutMs: 1000, stallTimeoutMs: 1000 };
    const dispatcher = new Dispatcher({ queueMax: 1, slowMs: 0, clock, ...limits });
    const nothing = () => {};
    let posts = 0;
    let hasRoom = false;
    const turns = new Turns({
      clock,
      dispatcher,
      collect: nothing,
      swept: nothing,
      relieve: nothing,
      rest: nothing,
      post: () => {
        posts++;
        return !hasRoom;
      },
    });
    turns.stirred();
    await new Promise((resolve) => setImmediate(resolve));
    expect(posts).toBe(1);
    clock.advance(3);
    expect([posts, clock.pending]).toEqual([4, 1]);
    hasRoom = true;
    clock.advance(10);
    expect([posts, clock.pending]).toEqual([5, 0]);
  });
});

import { type GivenConnection, Handover, type Taker, WAITING_MAX, WAITING_MS } from "../../src/supervisor/handover.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("connections that are handed over", () => {
  let clock: FakeClock;
  let takers: FakeTaker[];
  let lost: string[];
  let handover: Handover;
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  class FakeTaker implements Taker {
    readonly got: GivenConnection[] = [];
    readonly answers: ((taken: boolean) => void)[] = [];
    readonly #atOnce: boolean;
    constructor(atOnce = true) {
      this.#atOnce = atOnce;
    }
    adopt(connection: GivenConnection): Promise<boolean> {
      this.got.push(connection);
      if (this.#atOnce) return Promise.resolve(true);
      return new Promise((resolve) => this.answers.push(resolve));
    }
  }

  const connection = (): GivenConnection & { closed: number } => {
    const made = {
      used: true,
      closed: 0,
      handle: {
        close: () => {
          made.closed++;
        },
      },
    };
    return made;
  };

  beforeEach(() => {
    clock = new FakeClock();
    takers = [];
    lost = [];
    handover = new Handover({ clock, takers: () => takers, lost: (reason) => lost.push(reason) });
  });

  it("go to who serves, and our copy is closed", async () => {
    takers = [new FakeTaker()];
    const one = connection();
    handover.give(one);
    await turn();
    expect(takers[0]?.got).toEqual([one]);
    expect(one.closed).toBe(1);
  });

  it("are spread evenly over several processes", async () => {
    takers = [new FakeTaker(), new FakeTaker(), new FakeTaker()];
    for (let n = 0; n < 9; n++) {
      handover.give(connection());
      await turn();
    }
    expect(takers.map(({ got }) => got.length)).toEqual([3, 3, 3]);
  });

  it("go to each process one by one, so that what it did not get is known", async () => {
    takers = [new FakeTaker(false)];
    handover.give(connection());
    handover.give(connection());
    await turn();
    expect(takers[0]?.got.length).toBe(1);
    takers[0]?.answers[0]?.(true);
    await turn();
    expect(takers[0]?.got.length).toBe(2);
  });

  it("are not offered again to a process that refuses, as one whose channel has closed does", async () => {
    let offers = 0;
    const leaving: Taker = {
      // Endless, it would keep the event loop from ever turning again.
      adopt: () => (++offers > 100 ? new Promise(() => {}) : Promise.resolve(false)),
    };
    takers = [leaving as FakeTaker];
    const one = connection();
    handover.give(one);
    await turn();
    expect(offers).toBe(1);
    const other = new FakeTaker();
    takers = [leaving as FakeTaker, other];
    handover.deliver();
    await turn();
    expect(other.got).toEqual([one]);
  });

  it("go to another when the first one died before it got them", async () => {
    const dying = new FakeTaker(false);
    takers = [dying];
    const one = connection();
    handover.give(one);
    const other = new FakeTaker();
    takers = [other];
    dying.answers[0]?.(false);
    await turn();
    expect(other.got).toEqual([one]);
    expect(one.closed).toBe(1);
  });

  it("wait while nobody serves", async () => {
    const one = connection();
    handover.give(one);
    await turn();
    expect(one.closed).toBe(0);
    takers = [new FakeTaker()];
    handover.deliver();
    await turn();
    expect(takers[0]?.got).toEqual([one]);
  });

  it("are closed when nobody took them for a minute", () => {
    const one = connection();
    handover.give(one);
    clock.advance(WAITING_MS);
    expect(one.closed).toBe(1);
    expect(lost).toEqual(["no process took it within 60 s"]);
  });

  it("do not take every descriptor that there is", () => {
    const all = Array.from({ length: WAITING_MAX + 1 }, connection);
    for (const each of all) handover.give(each);
    expect(all.filter(({ closed }) => closed > 0).length).toBe(1);
    handover.close();
    expect(all.every(({ closed }) => closed === 1)).toBe(true);
  });

  it("are closed when nobody will serve again", () => {
    const [early, late] = [connection(), connection()];
    handover.give(early);
    handover.close();
    handover.give(late);
    expect([early.closed, late.closed]).toEqual([1, 1]);
  });
});

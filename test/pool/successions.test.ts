import { type Replaceable, Successions } from "../../src/pool/successions.ts";

class Worker implements Replaceable {
  state = "idle";
  spent = false;
}

function setUp() {
  const workers = [new Worker(), new Worker(), new Worker()] as const;
  const successions = new Successions<Worker>();
  for (const worker of workers) successions.ask(worker);
  return { successions, workers };
}

describe("workers that are to be replaced", () => {
  it("are replaced one at a time, in the order in which that was asked for", () => {
    const { successions, workers } = setUp();
    const successor = new Worker();
    expect(successions.next()).toBe(workers[0]);
    successions.begin(workers[0], successor);
    expect(successions.next()).toBeUndefined();
    expect(successions.succeeded(successor)).toBe(true);
    workers[0].state = "gone";
    expect(successions.next()).toBe(workers[1]);
  });

  it("are asked for once", () => {
    const { successions, workers } = setUp();
    expect(successions.ask(workers[0])).toBe(false);
  });

  it("wait until the one before has left, unless they may be given nothing more", () => {
    const { successions, workers } = setUp();
    const successor = new Worker();
    successions.begin(workers[0], successor);
    successions.succeeded(successor);
    workers[0].state = "draining";
    expect(successions.next()).toBeUndefined();
    workers[2].spent = true;
    expect(successions.next()).toBe(workers[2]);
  });

  it("are next again when their successor did not boot", () => {
    const { successions, workers } = setUp();
    const successor = new Worker();
    successions.begin(workers[0], successor);
    successions.failed(successor);
    expect(successions.next()).toBe(workers[0]);
  });

  it("leave their successor, if one boots, when they die", () => {
    const { successions, workers } = setUp();
    const successor = new Worker();
    successions.begin(workers[0], successor);
    expect(successions.gone(workers[1])).toBeUndefined();
    expect(successions.gone(workers[0])).toBe(successor);
    expect(successions.succeeded(successor)).toBe(false);
    expect(successions.next()).toBe(workers[2]);
  });
});

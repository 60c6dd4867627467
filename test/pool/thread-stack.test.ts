// Stacks of real threads, in the states that are awkward to stop. V8 leaves a thread stopped for ever
// if a session with it ends at the wrong moment: each test ends by having the thread do something.

import { Worker } from "node:worker_threads";
import { ThreadStacks } from "../../src/pool/thread-stack.ts";
import { eventually } from "../support/eventually.ts";

describe("the stack of a thread", () => {
  const workers: Worker[] = [];
  const stacks = new ThreadStacks();

  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
  });

  /** A thread that runs `code` when it is told to, and says what it is told. */
  const thread = async (code = "") => {
    const worker = new Worker(
      `const { parentPort } = require("node:worker_threads");
       function work() { ${code} }
       parentPort.on("message", (said) => { if (said === "work") { parentPort.postMessage("working"); work(); } parentPort.postMessage(said); });
       parentPort.postMessage("up");`,
      { eval: true },
    );
    workers.push(worker);
    const heard: unknown[] = [];
    worker.on("message", (said) => heard.push(said));
    worker.on("error", (error) => heard.push(error));
    await eventually(() => heard.includes("up"));
    return {
      id: worker.threadId,
      terminate: () => worker.terminate(),
      heard,
      work: async () => {
        worker.postMessage("work");
        await eventually(() => heard.includes("working"));
      },
      /** Resolves when the thread has answered. */
      answers: async (withinMs?: number) => {
        worker.postMessage("hello");
        await eventually(() => heard.includes("hello"), withinMs);
      },
    };
  };

  it("is that of an endless loop, and the thread can be ended afterwards", async () => {
    const spinning = await thread("for (;;) {}");
    await spinning.work();
    expect(await stacks.take(spinning.id, 5000)).toMatch(/^at work \(.*\)\nat <anonymous> \(/);
    expect(await spinning.terminate()).toBe(1);
  });

  it("leaves the thread free, so that it may be ended, or asked again, at once", async () => {
    const spinning = await thread("for (;;) {}");
    await spinning.work();
    for (let n = 0; n < 5; n++) expect(await stacks.take(spinning.id, 5000)).toMatch(/^at work /);
  });

  it("is that of each thread, when several are asked for at once", async () => {
    const spinning = await Promise.all([thread("for (;;) {}"), thread("for (let n = 0; ; n++) Math.sqrt(n);")]);
    for (const each of spinning) await each.work();
    const taken = await Promise.all(spinning.map(({ id }) => stacks.take(id, 5000)));
    expect(taken.every((stack) => stack?.startsWith("at work"))).toBe(true);
  });

  it("is none of a thread that waits for an event, which goes on", async () => {
    const idle = await thread();
    expect(await stacks.take(idle.id, 5000)).toBeUndefined();
    await idle.answers();
  });

  it("is none in time of a thread in native code, which goes on, and whose stack can be taken later", async () => {
    const native = await thread(
      `require("node:child_process").execFileSync("sleep", ["1.5"]); const end = Date.now() + 500; while (Date.now() < end);`,
    );
    await native.work();
    expect(await stacks.take(native.id, 100)).toBeUndefined();
    // The first inspection is still there: a second one would end the wrong way.
    expect(await stacks.take(native.id, 100)).toBeUndefined();
    await native.answers();
    native.heard.length = 0;
    await native.work();
    await eventually(async () => (await stacks.take(native.id, 1000))?.includes("at work"));
    await native.answers();
  });

  it("is none of a thread that is not there", async () => {
    expect(await stacks.take(999_999, 5000)).toBeUndefined();
  });

  it("does not keep a thread from being ended, whatever it was doing", async () => {
    const [idle, native] = [
      await thread(),
      await thread(`require("node:child_process").execFileSync("sleep", ["0.5"]);`),
    ];
    await native.work();
    const taken = [stacks.take(idle.id, 20), stacks.take(native.id, 20)];
    await Promise.all([idle.terminate(), native.terminate()]);
    expect(await Promise.all(taken)).toEqual([undefined, undefined]);
  });
});

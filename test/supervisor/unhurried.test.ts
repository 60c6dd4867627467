// A process that boots while another serves gives way, and for how long.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { getPriority } from "node:os";
import { mayLowerNiceness } from "../../src/base/niceness.ts";
import { UNHURRIED_MS, Unhurried, WARM_UP_MS } from "../../src/supervisor/unhurried.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { nicenessOf, threadsOf } from "../support/processes.ts";

describe("a process that boots unhurried", () => {
  const ours = getPriority();
  const low = mayLowerNiceness() ? Math.min(19, ours + 15) : ours;
  let clock: FakeClock;
  let child: ChildProcess;
  let failures: string[];

  beforeEach(() => {
    clock = new FakeClock();
    failures = [];
    child = spawn("sleep", ["60"]);
  });

  afterEach(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    expect(failures).toEqual([]);
  });

  const begin = (pid = child.pid ?? 0): Unhurried =>
    new Unhurried({ pid, clock, failed: (reason) => failures.push(reason) });

  it("has what the others leave until it is to serve", () => {
    const unhurried = begin();
    expect(nicenessOf(child.pid ?? 0)).toEqual([low]);
    unhurried.end();
    unhurried.end();
    expect(nicenessOf(child.pid ?? 0)).toEqual([ours]);
    clock.advance(WARM_UP_MS);
    expect(clock.pending).toBe(0);
  });

  it("compiles and collects garbage behind those who answer, as long as connections come over", async () => {
    const node = spawn(process.execPath, ["-e", "console.log(); setInterval(() => {}, 1000)"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      await once(node.stdout, "data");
      const pid = node.pid ?? 0;
      const background = threadsOf(pid).filter(({ name }) => name.endsWith("V8Worker"));
      const unhurried = begin(pid);
      unhurried.end();
      for (const { name, niceness } of threadsOf(pid)) {
        expect([name, niceness]).toEqual([name, name.endsWith("V8Worker") && low > ours ? ours + 5 : ours]);
      }
      clock.advance(WARM_UP_MS);
      expect(new Set(nicenessOf(pid))).toEqual(new Set([ours]));
      // Node names them from 24 on.
      expect(background.length > 0).toBe(Number(process.versions.node.split(".")[0]) >= 24);
    } finally {
      node.kill("SIGKILL");
      await once(node, "exit");
    }
  });

  it("hurries when that takes too long: a busy machine would never let it be ready", () => {
    begin();
    clock.advance(UNHURRIED_MS - 1);
    expect(nicenessOf(child.pid ?? 0)).toEqual([low]);
    clock.advance(1);
    expect(nicenessOf(child.pid ?? 0)).toEqual([ours]);
  });

  it("is left alone once it is gone, and so is whoever gets its number", () => {
    const unhurried = begin();
    unhurried.forget();
    unhurried.end();
    clock.advance(UNHURRIED_MS);
    expect(nicenessOf(child.pid ?? 0)).toEqual([low]);
  });

  it("is no trouble if it has ended already", async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
    begin().end();
  });
});

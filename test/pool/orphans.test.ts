import { notedPrograms, noteProgram, programsMemory } from "../../src/messages/programs.ts";
import { Orphans } from "../../src/pool/orphans.ts";

describe("programs of a lost worker", () => {
  it("are known by what it has noted of them", () => {
    const memory = programsMemory(2);
    const first = noteProgram(memory, 11);
    noteProgram(memory, 12);
    expect(notedPrograms(memory)).toEqual([11, 12]);
    noteProgram(memory, 13)(); // one more than there may be
    first();
    first();
    noteProgram(memory, 14);
    expect(notedPrograms(memory)).toEqual([14, 12]);
  });

  it("are killed with their groups, also where some have gone", () => {
    const killed: [number, string][] = [];
    const orphans = new Orphans({
      replace: () => {},
      kill: (pid, signal) => {
        killed.push([pid, signal]);
        if (pid === -11) throw new Error("kill ESRCH");
      },
    });
    orphans.end([11, 12]);
    expect(killed).toEqual([
      [-11, "SIGKILL"],
      [-12, "SIGKILL"],
    ]);
  });

  it("have the process replaced, once, when too many of them could not be collected", () => {
    const reasons: string[] = [];
    const orphans = new Orphans({ replace: (reason) => reasons.push(reason), kill: () => {} });
    for (let worker = 0; worker < 31; worker++) orphans.end([worker + 1]);
    expect(reasons).toEqual([]);
    orphans.end([]);
    orphans.end([32, 33]);
    orphans.end([34]);
    expect(reasons).toEqual(["33 programs of lost workers are zombies as long as it lives"]);
  });
});

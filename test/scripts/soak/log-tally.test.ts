// What a soak makes of a log.

import { LogTally } from "../../../scripts/soak/log-tally.ts";

const line = (level: string, msg: string) => `${JSON.stringify({ level, msg })}\n`;

describe("a tally of a log", () => {
  it("counts as one what differs only in its numbers", () => {
    const tally = new LogTally(() => false);
    tally.add(line("info", "worker 7 took 1.5 s") + line("info", "worker 12 took 3 s"));
    tally.add(line("info", "ready"));
    expect(tally.lines).toEqual([
      { message: "info: worker N took N s", count: 2 },
      { message: "info: ready", count: 1 },
    ]);
  });

  it("counts warnings, errors and what is no line of the log, unless they are expected", () => {
    const tally = new LogTally((text) => text.includes("on purpose"));
    tally.add(line("error", "thrown on purpose") + line("info", "ready"));
    expect(tally.unexpected).toBe(0);
    tally.add(`${line("error", "lost")}${line("warn", "slow")}Segmentation fault\n`);
    expect(tally.unexpected).toBe(3);
    expect(tally.examples[2]).toBe("Segmentation fault");
  });
});

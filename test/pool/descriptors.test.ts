import { closeSync, openSync } from "node:fs";
import { Descriptors } from "../../src/pool/descriptors.ts";
import { tempDirs } from "../support/temp-dir.ts";

describe("descriptors that a process lives by", () => {
  const dirs = tempDirs();

  it("are not lost while they are what they were", () => {
    const descriptor = openSync(dirs().write("kept", ""), "r");
    try {
      expect(new Descriptors([descriptor]).lost()).toEqual([]);
    } finally {
      closeSync(descriptor);
    }
  });

  it("are lost when they are closed, also if their number names something else by then", () => {
    const dir = dirs();
    const [first, second] = [openSync(dir.write("first", ""), "r"), openSync(dir.write("second", ""), "r")];
    const descriptors = new Descriptors([first, second]);
    closeSync(first);
    expect(descriptors.lost()).toEqual([first]);
    const again = openSync(dir.write("third", ""), "r");
    try {
      // The kernel gives the lowest number that is free.
      expect([again, descriptors.lost()]).toEqual([first, [first]]);
    } finally {
      closeSync(again);
      closeSync(second);
    }
    expect(descriptors.lost()).toEqual([first, second]);
  });
});

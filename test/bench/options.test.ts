// The command line of the bench, and whom it measures.

import { readOptions } from "../../bench/options.ts";
import { isApachePeer } from "../../bench/peer.ts";
import { peersOf } from "../../bench/peers/index.ts";
import { WORKLOADS } from "../../bench/workload.ts";
import { Fault } from "../../src/base/fault.ts";

describe("the bench's command line", () => {
  it("measures the small reply of 2 workers for 32 kept clients, where nothing is said", () => {
    expect(readOptions([])).toMatchObject({ workloads: ["trivial"], workers: [2], clients: [32], kinds: ["kept"] });
  });

  it("takes lists, and `all` for every workload", () => {
    const argv = ["--workload", "all", "--workers", "1,16", "--clients", "1,512", "--kinds", "kept,new"];
    const options = readOptions(argv);
    expect(options).toMatchObject({
      workloads: WORKLOADS,
      workers: [1, 16],
      clients: [1, 512],
      kinds: ["kept", "new"],
    });
  });

  it.each([
    ["--workload", "jsno"],
    ["--kinds", "old"],
    ["--workers", "1,,2"],
    ["--clients", "0"],
  ])("refuses %s %s and says what it takes", (option, value) => {
    expect(() => readOptions([option, value])).toThrow(Fault);
    expect(() => readOptions([option, value])).toThrow(option);
  });
});

describe("the bench's peers", () => {
  it.each(WORKLOADS)("every one is asked %s, or named as left out", (workload) => {
    const setting = { workload, workers: 2, database: undefined };
    const { peers, leftOut } = peersOf(setting);
    const all = peersOf({ ...setting, workload: "trivial" }).peers;
    const few = peers.filter(({ id }) => id === "php-fpm-few");
    expect(peers.length + leftOut.length).toBe(all.length + few.length);
  });

  it("have names of their own, in URLs and in reports", () => {
    const { peers } = peersOf({ workload: "mixed", workers: 2, database: undefined });
    expect(new Set(peers.map(({ id }) => id)).size).toBe(peers.length);
    expect(new Set(peers.map(({ title }) => title)).size).toBe(peers.length);
    expect(peers.filter(isApachePeer).map(({ id }) => id)).toEqual(["mod_wsgi"]);
  });
});

// What the bench makes of its rounds.

import type { Sample } from "../../bench/sample.ts";
import { against, type Measured, quantile, rows, shuffled, spread } from "../../bench/statistics.ts";

const sample = (requestsPerSecond: number, errors: string[] = []): Sample => ({
  requestsPerSecond,
  requests: 1,
  failed: 0,
  p50Us: 1,
  p99Us: 1,
  cpuMicrosPerRequest: 1,
  apacheMicrosPerRequest: 1,
  residentBytes: 1,
  errors,
});
const measured = (id: string, samples: Sample[], way = "ProxyPass"): Measured => ({
  id,
  title: id,
  way,
  detail: "",
  samples,
});

describe("a quantile", () => {
  it("is a value that was seen, and none of nothing", () => {
    expect([0, 0.5, 0.99, 1].map((share) => quantile([1, 2, 3, 4, 5], share))).toEqual([1, 3, 4, 5]);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe("a spread", () => {
  it("is the middle value, or the mean of the two in the middle, between the extremes", () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  });
});

describe("a row", () => {
  it("tells how many requests of all rounds failed, beside those that count", () => {
    const [row] = rows([measured("node-fastcgi", [{ ...sample(100), requests: 200, failed: 1 }, sample(90)])]);
    expect(row).toMatchObject({ requests: 201, failed: 1, errors: [] });
  });
});

describe("a ratio", () => {
  it("to what Apache has by a module is that to a mount by ProxyPass", () => {
    const all = [measured("holdfast", [sample(80)]), measured("mod_wsgi", [sample(40)], "module")];
    expect(against("holdfast", all)).toEqual([{ title: "mod_wsgi", times: { median: 2, min: 2, max: 2 } }]);
  });

  it("is taken round by round, so that what slows one round for all changes nothing", () => {
    const all = [
      measured("floor", [sample(100), sample(50)]),
      measured("php-fpm", [sample(50), sample(25)]),
      measured("holdfast", [sample(80), sample(40)]),
    ];
    const [, , holdfast] = rows(all);
    expect(holdfast?.toFloor).toEqual({ median: 0.8, min: 0.8, max: 0.8 });
    expect(holdfast?.toPhpFpm).toEqual({ median: 1.6, min: 1.6, max: 1.6 });
  });

  it("is to the floor that is reached in the same way", () => {
    const all = [
      measured("floor", [sample(100)]),
      measured("floor-sethandler", [sample(90)], "SetHandler"),
      measured("holdfast-sethandler", [sample(45)], "SetHandler"),
      measured("holdfast-socket", [sample(45)], "socket"),
    ];
    expect(rows(all).map(({ toFloor }) => toFloor?.median)).toEqual([1, 1, 0.5, undefined]);
  });

  it("is never to a row that had an error in any round", () => {
    const all = [
      measured("floor", [sample(100), sample(100, ["3 × not 2xx or 3xx"])]),
      measured("holdfast", [sample(80), sample(80)]),
    ];
    const [floor, holdfast] = rows(all);
    expect(floor?.errors).toEqual(["3 × not 2xx or 3xx"]);
    expect(holdfast?.toFloor).toBeUndefined();
    expect(against("holdfast", all)).toEqual([]);
  });
});

describe("the order of a round", () => {
  it("is another for every seed, the same for the same, and leaves nothing out", () => {
    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    expect(shuffled(items, 7)).toEqual(shuffled(items, 7));
    expect(shuffled(items, 7)).not.toEqual(shuffled(items, 8));
    expect([...shuffled(items, 7)].sort()).toEqual(items);
  });
});

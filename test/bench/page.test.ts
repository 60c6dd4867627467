// What the page of results says was reached.

import { renderPage } from "../../bench/page/html.ts";
import { type Results, verdicts } from "../../bench/page/verdicts.ts";
import { rows } from "../../bench/statistics.ts";

const sample = (requestsPerSecond: number, errors: string[] = []) => ({
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

function results(holdfast: number, errors: string[] = []): Results {
  const row = (id: string, rate: number, wrong: string[] = []) => ({
    id,
    title: `<${id}>`,
    way: "ProxyPass",
    detail: "",
    samples: [sample(rate, wrong)],
  });
  const measured = rows([row("floor", 100), row("php-fpm", 60), row("holdfast", holdfast, errors)]);
  const part = {
    workload: "trivial",
    workers: 2,
    clients: 32,
    connections: "kept",
    leftOut: [],
    rows: measured,
  } as const;
  const environment = {
    date: "2026-01-01T00:00:00.000Z",
    commit: "0",
    command: "bench",
    cpu: "a CPU",
    cores: 2,
    memoryBytes: 1,
    kernel: "Linux",
    node: "v26",
    load: 0,
    apache: "2.4",
    php: "8.2",
  };
  const options = {
    rounds: 1,
    seconds: 1,
    workloads: ["trivial"],
    workers: [2],
    clients: [32],
    kinds: ["kept"],
    connections: 16,
    warmUpSeconds: 1,
    only: [],
    seed: 1,
    results: false,
  } as const;
  return { bench: { environment, options, parts: [part], missing: [] } };
}

const verdictOn = (what: string, of: Results) => verdicts(of).find((one) => one.what.includes(what))?.reached;

describe("a target", () => {
  it("is reached when the median of the rounds' ratios is what is wanted", () => {
    expect(verdictOn("the floor, mounted", results(90))).toBe(true);
    expect(verdictOn("the floor, mounted", results(80))).toBe(false);
    expect(verdictOn("÷ php-fpm", results(80))).toBe(true);
  });

  it("is not judged by rows that were not measured, or that had a wrong reply", () => {
    expect(verdictOn("Node CGI", results(90))).toBeUndefined();
    expect(verdictOn("the floor, mounted", results(90, ["1 × not 2xx or 3xx"]))).toBeUndefined();
    expect(verdicts({}).every(({ reached }) => reached === undefined)).toBe(true);
  });

  it("of costs is taken from the curves", () => {
    const point = (x: number, mib: number, more = {}) => ({ x, mib, idleCpuMs: 0, workCpuMs: 0, ...more });
    const environment = results(1).bench?.environment as never;
    const curves = [
      { id: "workers", title: "", points: [point(1, 50, { firstReplyMs: 700 }), point(16, 200)] },
      { id: "connections", title: "", points: [point(0, 60, { p99Ms: 2 }), point(10_000, 170, { p99Ms: 2.1 })] },
    ];
    const costs: Results = { costs: { environment, curves } };
    expect(verdictOn("first reply", costs)).toBe(false);
    expect(verdictOn("a worker thread", costs)).toBe(true);
    expect(verdictOn("idle connections", costs)).toBe(false);
    expect(verdictOn("p99 of a light load", costs)).toBe(true);
  });
});

describe("the page", () => {
  it("is one file that loads nothing, for light and dark, with every target", () => {
    const page = renderPage(results(90));
    expect(page).not.toMatch(/<(script|link|img)|@import|url\(/);
    expect(page).toContain("color-scheme: light dark");
    expect(page).toContain("&lt;holdfast&gt;");
    expect(page.match(/class="(reached|missed|unknown)"/g)).toHaveLength(verdicts({}).length);
  });
});

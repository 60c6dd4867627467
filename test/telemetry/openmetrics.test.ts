import { METRICS } from "../../src/telemetry/metrics.ts";
import { type Metric, renderOpenMetrics, renderPrometheus } from "../../src/telemetry/openmetrics.ts";
import { parseOpenMetrics, sampleOf } from "../support/openmetrics.ts";
import { poolStatus, workerStatus } from "../support/pool-status.ts";

interface Measured {
  readonly value: number;
}

const COUNTER: Metric<Measured> = { name: "x", type: "counter", help: "Some.", read: ({ value }) => value };

describe("OpenMetrics 1.0", () => {
  it("writes families whole, each process a series of its own", () => {
    const text = renderOpenMetrics<Measured>(
      [COUNTER, { name: "y_bytes", type: "gauge", unit: "bytes", help: "Y.", read: () => 1.5 }],
      [
        { labels: { pid: "1" }, from: { value: 3 } },
        { labels: { pid: "2" }, from: { value: 4 } },
      ],
    );
    expect(text.split("\n")).toEqual([
      "# TYPE x counter",
      "# HELP x Some.",
      'x_total{pid="1"} 3',
      'x_total{pid="2"} 4',
      "# TYPE y_bytes gauge",
      "# UNIT y_bytes bytes",
      "# HELP y_bytes Y.",
      'y_bytes{pid="1"} 1.5',
      'y_bytes{pid="2"} 1.5',
      "# EOF",
      "",
    ]);
  });

  it("writes the bounds of a histogram in canonical form, and +Inf", () => {
    const text = renderOpenMetrics<null>(
      [
        {
          name: "h_seconds",
          type: "histogram",
          unit: "seconds",
          help: "H.",
          read: () => ({ bounds: [0.25, 1], cumulative: [2, 3], count: 4, sum: 9.5 }),
        },
      ],
      [{ labels: {}, from: null }],
    );
    expect(text).toContain(
      'h_seconds_bucket{le="0.25"} 2\nh_seconds_bucket{le="1.0"} 3\nh_seconds_bucket{le="+Inf"} 4',
    );
    expect(sampleOf(parseOpenMetrics(text), "h_seconds", { le: "+Inf" })).toBe(4);
  });

  it("escapes what a label holds", () => {
    const hostile = 'a"b\\c\nd';
    const text = renderOpenMetrics([COUNTER], [{ labels: { pool: hostile }, from: { value: 1 } }]);
    expect(parseOpenMetrics(text).get("x")?.samples[0]?.labels.get("pool")).toBe(hostile);
  });

  it("leaves out what is not known", () => {
    const text = renderOpenMetrics(
      [{ ...COUNTER, read: () => undefined } as Metric<null>],
      [{ labels: {}, from: null }],
    );
    expect(parseOpenMetrics(text).get("x")?.samples).toEqual([]);
  });
});

describe("the text format of Prometheus before OpenMetrics", () => {
  it("names a counter as its samples, and knows neither infos nor units nor an end", () => {
    const info: Metric<Measured> = { name: "b", type: "info", help: "B.", read: () => ({ version: "1" }) };
    expect(renderPrometheus([COUNTER, info], [{ labels: { pid: "1" }, from: { value: 3 } }]).split("\n")).toEqual([
      "# HELP x_total Some.",
      "# TYPE x_total counter",
      'x_total{pid="1"} 3',
      "# HELP b_info B.",
      "# TYPE b_info gauge",
      'b_info{pid="1",version="1"} 1',
      "",
    ]);
  });
});

describe("the metrics of a pool", () => {
  const exposition = (...processes: Parameters<typeof poolStatus>[0][]): string =>
    renderOpenMetrics(
      METRICS,
      processes.map((differences, n) => ({ labels: { pool: "www", pid: String(n) }, from: poolStatus(differences) })),
    );

  it("are OpenMetrics, of one process and of several", () => {
    const workers = [
      workerStatus({ memoryBytes: 5, utilization: 0.5 }),
      workerStatus({ state: "busy", memoryBytes: 7 }),
    ];
    expect(parseOpenMetrics(exposition({ workers })).size).toBe(METRICS.length);
    const two = parseOpenMetrics(exposition({ served: 3, workers }, { served: 4 }));
    expect(sampleOf(two, "holdfast_requests_finished", { pid: "1", outcome: "served" })).toBe(4);
    expect(sampleOf(two, "holdfast_workers", { pid: "0", state: "busy" })).toBe(1);
    expect(sampleOf(two, "holdfast_workers_memory_bytes", { pid: "0" })).toBe(12);
    expect(sampleOf(two, "holdfast_largest_worker_memory_bytes", { pid: "0" })).toBe(7);
  });

  it("are named as their kind asks: unique, units last, no counter that ends in _total itself", () => {
    expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
    for (const { name, unit, help } of METRICS) {
      expect(name).toMatch(/^holdfast_[a-z_]+$/);
      expect(name).not.toMatch(/_(?:total|info|count|sum|bucket|created)$/);
      if (unit !== undefined) expect(name.endsWith(`_${unit}`)).toBe(true);
      expect(help).toMatch(/^[A-Z0-9].*\.$/);
    }
  });

  it("have no labels but those that they declare", () => {
    const families = parseOpenMetrics(exposition({ workers: [workerStatus()], backlog: 1 }));
    for (const { name, labels = [], type } of METRICS) {
      const own = new Set(families.get(name)?.samples.flatMap((sample) => [...sample.labels.keys()]));
      for (const label of ["pool", "pid", ...(type === "histogram" ? ["le"] : [])]) own.delete(label);
      expect([name, [...own].sort()]).toEqual([name, [...labels].sort()]);
    }
  });
});

// The dashboard and the alert rules ask for metrics that there are, by labels that those have.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { METRICS } from "../../src/telemetry/metrics.ts";
import { sampleNames } from "../../src/telemetry/openmetrics.ts";

const CONF = fileURLToPath(new URL("../../../conf/", import.meta.url));

/** Sample → the labels that it may be asked by. */
const SAMPLES = new Map(
  METRICS.flatMap((metric) =>
    sampleNames(metric).map((name) => [name, ["pool", "pid", "le", ...(metric.labels ?? [])]] as const),
  ),
);

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const dashboard = JSON.parse(readFileSync(join(CONF, "grafana/holdfast.json"), "utf8")) as Dashboard;
const rules = readFileSync(join(CONF, "prometheus/holdfast.rules.yml"), "utf8");

function unknownIn(expression: string): readonly string[] {
  const selectors = [...expression.matchAll(/\b(holdfast_[a-z0-9_]+)(?:\{([^}]*)\})?/g)];
  return selectors.flatMap(([, name = "", labels = ""]) => {
    const known = SAMPLES.get(name);
    if (known === undefined) return [name];
    const asked = [...labels.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label);
    return asked.filter((label) => !known.includes(label)).map((label) => `${name}{${label}}`);
  });
}

describe("the Grafana dashboard", () => {
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

  it("asks for metrics that there are", () => {
    expect(expressions.length).toBeGreaterThan(20);
    expect(expressions.flatMap(unknownIn)).toEqual([]);
  });

  it("has panels that do not cover each other", () => {
    for (const one of dashboard.panels) {
      for (const other of dashboard.panels) {
        if (one.id >= other.id) continue;
        const [a, b] = [one.gridPos, other.gridPos];
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        expect([one.title, other.title, apart]).toEqual([one.title, other.title, true]);
      }
    }
  });
});

describe("the alert rules", () => {
  it("ask for metrics that there are, and say what to do", () => {
    const names = METRICS.map(({ name }) => name);
    // A description may name a metric as a whole.
    expect(unknownIn(rules).filter((name) => !names.includes(name))).toEqual([]);
    const alerts = rules.match(/- alert: \w+/g) ?? [];
    expect(alerts.length).toBeGreaterThan(5);
    for (const part of ["expr:", "severity:", "summary:", "description:"]) {
      expect(rules.match(new RegExp(`^\\s+${part}`, "gm"))?.length).toBe(alerts.length);
    }
  });
});

// Reads an OpenMetrics text strictly [OpenMetrics 1.0, §ABNF], for tests: what a scraper would refuse throws.

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly unit: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: ReadonlyMap<string, string>;
    readonly value: number;
  }[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = `([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\[\\\\n"])*)"`;
const SAMPLE = new RegExp(`^(${NAME})(?:\\{((?:${LABEL})(?:,${LABEL})*)\\})? (\\S+)$`);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ["_total", "_created"],
  gauge: [""],
  info: ["_info"],
  histogram: ["_bucket", "_count", "_sum", "_created"],
};

export function parseOpenMetrics(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n# EOF\n")) throw new Error("the text does not end in # EOF");
  const families = new Map<string, Family>();
  let current: { -readonly [K in keyof Family]: Family[K] } | undefined;
  for (const line of text.slice(0, -"# EOF\n".length).split("\n").slice(0, -1)) {
    const meta = /^# (TYPE|HELP|UNIT) (\S+) (.*)$/.exec(line);
    if (meta !== null) {
      const [, kind, name = "", value = ""] = meta;
      if (name !== current?.name) {
        if (families.has(name)) throw new Error(`${name} is interleaved`);
        current = { name, type: "unknown", help: "", unit: "", samples: [] };
        families.set(name, current);
      }
      if (kind === "TYPE") current.type = value;
      if (kind === "HELP") current.help = value;
      if (kind === "UNIT" && !name.endsWith(`_${value}`)) throw new Error(`${name} does not end in its unit ${value}`);
      if (kind === "UNIT") current.unit = value;
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (sample === null) throw new Error(`no sample: ${line}`);
    const [, name = "", labels = ""] = sample;
    const value = Number(sample.at(-1));
    if (Number.isNaN(value)) throw new Error(`no value: ${line}`);
    if (!(SUFFIXES[current?.type ?? ""] ?? []).some((suffix) => name === `${current?.name}${suffix}`)) {
      throw new Error(`${name} is not of ${current?.name}, a ${current?.type}`);
    }
    const pairs = [...labels.matchAll(new RegExp(LABEL, "g"))].map(
      ([, label = "", text = ""]) =>
        [label, text.replace(/\\(.)/g, (_, char) => (char === "n" ? "\n" : char))] as const,
    );
    if (new Set(pairs.map(([label]) => label)).size !== pairs.length) throw new Error(`a label twice: ${line}`);
    if (current !== undefined) current.samples = [...current.samples, { name, labels: new Map(pairs), value }];
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

function checkFamily({ name, type, samples }: Family): void {
  const series = samples.map((sample) => `${sample.name} ${JSON.stringify([...sample.labels])}`);
  if (new Set(series).size !== series.length) throw new Error(`${name} has a series twice`);
  if (type !== "histogram") return;
  let below = 0;
  for (const sample of samples) {
    if (!sample.name.endsWith("_bucket")) continue;
    const isFirst = sample.labels.get("le") === samples.find((each) => each.name.endsWith("_bucket"))?.labels.get("le");
    if (isFirst) below = 0;
    if (sample.value < below) throw new Error(`${name}: a bucket holds less than the one before`);
    below = sample.value;
  }
  const all = samples.filter(({ labels }) => labels.get("le") === "+Inf").map(({ value }) => value);
  const counts = samples.filter((sample) => sample.name.endsWith("_count")).map(({ value }) => value);
  if (JSON.stringify(all) !== JSON.stringify(counts)) throw new Error(`${name}: the last bucket is not the count`);
}

/** The value of the one sample with these labels, or throws. */
export function sampleOf(
  families: ReadonlyMap<string, Family>,
  family: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const fits = families
    .get(family)
    ?.samples.filter((sample) => Object.entries(labels).every(([label, text]) => sample.labels.get(label) === text));
  const [only, ...more] = fits ?? [];
  if (only === undefined || more.length > 0) throw new Error(`${fits?.length ?? 0} samples of ${family} fit`);
  return only.value;
}

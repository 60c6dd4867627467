import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { GENERATED } from "../../scripts/docs.ts";
import { resolveConfig } from "../../src/config/load.ts";
import { renderJsonSchema, renderSample, renderToml } from "../../src/config/render.ts";
import { POOL, SUPERVISOR } from "../../src/config/schema.ts";
import type { Shape } from "../../src/config/table.ts";
import { tempDirs } from "../support/temp-dir.ts";

const TOP = fileURLToPath(new URL("../../../", import.meta.url));

describe("what is derived from the schema", () => {
  const tempDir = tempDirs();

  it.each(Object.keys(GENERATED))("%s is what the schema says (else: npm run docs)", (path) => {
    expect(readFileSync(`${TOP}${path}`, "utf8")).toBe(GENERATED[path]?.());
  });

  it("the sample sets every option to its default, or shows it", () => {
    const sample = renderSample();
    const keys = (shape: Shape): string[] =>
      Object.entries(shape).flatMap(([key, entry]) => (entry.entry === "group" ? keys(entry.shape) : [key]));
    for (const key of [...keys(SUPERVISOR), ...keys(POOL)].filter((name) => name !== "env")) {
      expect(sample).toMatch(new RegExp(`^(# )?${key} = `, "m"));
    }
  });

  it("the sample is a configuration that is right, where its user and folders exist", () => {
    const dir = tempDir();
    const sample = parse(
      renderSample().replaceAll(/"\/(run\/holdfast|srv\/www)/g, `"${dir.path}`),
    ) as unknown as Parameters<typeof resolveConfig>[0];
    expect(resolveConfig(sample, dir.path).warnings).toEqual([]);
  });

  it("the effective configuration, printed as TOML, means the same when it is read again", () => {
    const dir = tempDir();
    const { config } = resolveConfig(
      {
        supervisor: { stop_timeout: "90s" },
        pools: {
          www: {
            listen: "[::1]:9000",
            root: ".",
            listen_backlog: 9,
            memory_limit: "96MiB",
            env: { A: 'quo"te\n' },
            threads: 3,
          },
          api: {
            listen: "./api.sock",
            root: ".",
            listen_mode: "600",
            threads: { min: 0, max: 4, idle_timeout: "90s" },
            recycle: { max_age: "2h", jitter: 0.25 },
            request: { body_limit: 1000, timeout: "1500ms" },
          },
        },
      },
      dir.path,
    );
    const again = resolveConfig(parse(renderToml(config)) as unknown as Parameters<typeof resolveConfig>[0], "/");
    expect(again.config).toEqual(config);
    expect(renderToml(config)).toContain('memory_limit = "96MiB"');
  });

  it("the JSON Schema knows every option with its meaning, and nothing else", () => {
    const schema = renderJsonSchema() as {
      properties: {
        pools: { additionalProperties: { properties: Record<string, { description?: string }>; required: string[] } };
      };
    };
    const pool = schema.properties.pools.additionalProperties;
    expect(Object.keys(pool.properties)).toEqual(Object.keys(POOL));
    expect(pool.required).toEqual(["listen"]);
    expect(pool.properties.concurrency?.description).toBe(POOL.concurrency.doc);
    expect(pool).toMatchObject({ additionalProperties: false });
  });
});

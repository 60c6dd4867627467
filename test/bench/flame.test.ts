// A CPU profile [Chrome DevTools Protocol, Profiler.Profile] as a tree of calls and as a picture.

import { type CpuProfile, fold, hottest, renderFlames } from "../../bench/flame.ts";

const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url, lineNumber: 0 },
  children,
});

/** serve calls parse twice, at different places of its code; then it waits. */
const PROFILE: CpuProfile = {
  nodes: [
    node(1, "(root)", "", [2, 5]),
    node(2, "serve", "file:///app/serve.js", [3, 4]),
    node(3, "parse", "file:///app/parse.js"),
    node(4, "parse", "file:///app/parse.js"),
    node(5, "(idle)", ""),
  ],
  samples: [2, 3, 4, 2, 5],
  timeDeltas: [1000, 10, 20, 25, 500],
};
const named = (url: string): string => url.replace("file:///app/", "");

describe("a folded CPU profile", () => {
  it("adds up calls of the same function from the same caller, without the time in which the thread waited", () => {
    const root = fold(PROFILE, 0, named);
    expect(root.total).toBe(1055);
    const [serve] = [...root.calls.values()];
    expect(serve).toMatchObject({ name: "serve", file: "serve.js", self: 1025, total: 1055 });
    expect([...(serve?.calls.values() ?? [])]).toMatchObject([{ name: "parse", self: 30, total: 30 }]);
  });

  it("leaves out what was before a moment", () => {
    expect(fold(PROFILE, 1001, named).total).toBe(55);
  });

  it("tells the time of a function in itself, wherever it was called, the longest first", () => {
    expect(hottest(fold(PROFILE, 1001, named))).toEqual([
      { name: "parse", file: "parse.js", micros: 30 },
      { name: "serve", file: "serve.js", micros: 25 },
    ]);
  });

  it("is drawn with a box for each call, as wide as its time, and nothing of a name is markup", () => {
    const root = fold(
      { ...PROFILE, nodes: PROFILE.nodes.map((one) => (one.id === 2 ? node(2, "<serve>", "", [3, 4]) : one)) },
      1001,
      named,
    );
    const svg = renderFlames("A & B", [{ title: "main", root }], (micros) => `${micros} µs`);
    expect(svg.match(/<rect class="box/g)).toHaveLength(3);
    expect(svg).toContain("<title>&lt;serve&gt;: 55 µs, of that 25 µs in itself</title>");
    expect(svg).toContain("A &amp; B");
    expect(svg).not.toContain("<serve>");
    const [all = 0, , parse = 0] = [...svg.matchAll(/class="box[^>]* width="([\d.]+)"/g)].map(([, width]) =>
      Number(width),
    );
    expect(parse / all).toBeCloseTo(30 / 55);
  });
});

// CPU profiles as V8 writes them, folded into one tree of calls, and that tree as a flame graph: the wider a box,
// the more time was spent in it and below it.

import { escapeHtml } from "../src/base/escape-html.ts";

/** https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile, of which this is used. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  /** The node that ran, and microseconds since the sample before it. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Call {
  readonly name: string;
  readonly file: string;
  /** Microseconds in itself, and with what it called. */
  self: number;
  total: number;
  readonly calls: Map<string, Call>;
}

/** What V8 calls time in which the thread waited. */
const IDLE = "(idle)";

/** `skipMicros` of the beginning are left out, and so is time without work. `named` shortens a script's URL. */
export function fold(profile: CpuProfile, skipMicros: number, named: (url: string) => string): Call {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const micros = new Map<number, number>();
  let at = 0;
  profile.samples.forEach((id, index) => {
    at += profile.timeDeltas[index] ?? 0;
    if (at >= skipMicros) micros.set(id, (micros.get(id) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
  const root = call("all", "");
  for (const [id, time] of micros) {
    const stack: { name: string; file: string }[] = [];
    for (let node = nodes.get(id); node !== undefined; node = nodes.get(parents.get(node.id) ?? -1)) {
      const { functionName, url } = node.callFrame;
      if (functionName !== "(root)") stack.unshift({ name: functionName || "(anonymous)", file: named(url) });
    }
    if (stack[0]?.name === IDLE) continue;
    let parent = root;
    root.total += time;
    for (const { name, file } of stack) {
      const key = `${name} ${file}`;
      const child = parent.calls.get(key) ?? call(name, file);
      parent.calls.set(key, child);
      child.total += time;
      parent = child;
    }
    parent.self += time;
  }
  return root;
}

/** Time in itself by function, wherever it was called; the longest first. */
export function hottest(root: Call): { readonly name: string; readonly file: string; readonly micros: number }[] {
  const found = new Map<string, { name: string; file: string; micros: number }>();
  const visit = ({ name, file, self, calls }: Call): void => {
    const key = `${name} ${file}`;
    const entry = found.get(key) ?? { name, file, micros: 0 };
    entry.micros += self;
    found.set(key, entry);
    for (const child of calls.values()) visit(child);
  };
  visit(root);
  return [...found.values()].filter(({ micros }) => micros > 0).sort((a, b) => b.micros - a.micros);
}

const WIDTH = 1200;
const ROW_HEIGHT = 18;
const MARGIN = 24;
/** What is narrower is left out. */
const NARROWEST = 0.7;
/** Of one character at the size that is used, about. */
const CHARACTER = 6.4;

/** Each thread is a graph of its own, one below the other; `per` turns microseconds into what a box's title says. */
export function renderFlames(
  title: string,
  threads: readonly { readonly title: string; readonly root: Call }[],
  per: (micros: number) => string,
): string {
  let top = 56;
  const drawn = threads.map(({ title: name, root }) => {
    const boxes: string[] = [];
    const scale = (WIDTH - 2 * MARGIN) / Math.max(1, root.total);
    const deepest = draw(root, MARGIN, 0, { scale, top: top + 30, boxes, per });
    const part = `<text class="panel" x="${MARGIN}" y="${top + 18}">${escapeHtml(name)}</text>\n${boxes.join("\n")}`;
    top += 30 + (deepest + 1) * ROW_HEIGHT + 24;
    return part;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" aria-label="${escapeHtml(title)}">
<style>
text { font: 11px ui-monospace, "DejaVu Sans Mono", monospace; fill: #25221d; pointer-events: none }
.title { font: 700 18px system-ui, "DejaVu Sans", sans-serif } .panel { font: 700 14px system-ui, "DejaVu Sans", sans-serif }
rect.box { stroke: #fff; stroke-width: .5 } .ours { fill: #8fc1b5 } .node { fill: #e3c9a0 } .native { fill: #c3c9d0 } .gc { fill: #d99a86 }
</style>
<rect width="100%" height="100%" fill="#fff"/>
<text class="title" x="${MARGIN}" y="32">${escapeHtml(title)}</text>
${drawn.join("\n")}
</svg>
`;
}

interface Drawing {
  readonly scale: number;
  readonly top: number;
  readonly boxes: string[];
  readonly per: (micros: number) => string;
}

/** Returns how deep it went. */
function draw(box: Call, x: number, depth: number, drawing: Drawing): number {
  const { scale, top, boxes, per } = drawing;
  const width = box.total * scale;
  if (width < NARROWEST) return depth - 1;
  const y = top + depth * ROW_HEIGHT;
  const label = box.file === "" ? box.name : `${box.name} ${box.file}`;
  const room = Math.floor((width - 6) / CHARACTER);
  const text = label.length <= room ? label : box.name.slice(0, room);
  boxes.push(
    `<g><title>${escapeHtml(`${label}: ${per(box.total)}, of that ${per(box.self)} in itself`)}</title>` +
      `<rect class="box ${kindOf(box)}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW_HEIGHT - 1}"/>` +
      `${room < 3 ? "" : `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escapeHtml(text)}</text>`}</g>`,
  );
  let [at, deepest] = [x, depth];
  for (const child of [...box.calls.values()].sort((a, b) => b.total - a.total)) {
    deepest = Math.max(deepest, draw(child, at, depth + 1, drawing));
    at += child.total * scale;
  }
  return deepest;
}

function kindOf({ name, file }: Call): string {
  if (name === "(garbage collector)") return "gc";
  if (file === "") return "native";
  return file.startsWith("node:") ? "node" : "ours";
}

function call(name: string, file: string): Call {
  return { name, file, self: 0, total: 0, calls: new Map() };
}

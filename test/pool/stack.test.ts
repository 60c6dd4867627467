import { SourceMap } from "node:module";
import { pathToFileURL } from "node:url";
import { loadSourceMap, SOURCE_MAP_BYTES_MAX, sourcePlace } from "../../src/pool/source-map.ts";
import { formatStack, relevantFrames, STACK_FRAMES_MAX, type StackFrame } from "../../src/pool/stack.ts";
import { tempDirs } from "../support/temp-dir.ts";

const OURS = new URL("../../workers/host.js", import.meta.url).href;

const frame = (functionName: string, url: string, line = 0, column = 0): StackFrame => ({
  functionName,
  url,
  line,
  column,
  scriptId: url,
});

describe("the frames of a stack that are shown", () => {
  it("end with the outermost one of the app; what Node and we do before it is nobody's business", () => {
    const frames = [
      frame("readSync", "node:fs"),
      frame("load", "file:///srv/app.ts"),
      frame("handle", OURS),
      frame("wrapped", "file:///srv/node_modules/x/index.js"),
      frame("respond", OURS),
      frame("processTicksAndRejections", "node:internal/process/task_queues"),
    ];
    expect(relevantFrames(frames).map(({ functionName }) => functionName)).toEqual([
      "readSync",
      "load",
      "handle",
      "wrapped",
    ]);
  });

  it("are all, where none is the app's", () => {
    const frames = [frame("a", OURS), frame("b", "node:timers")];
    expect(relevantFrames(frames)).toEqual(frames);
  });

  it("are bounded in number", () => {
    const frames = Array.from({ length: 200 }, (_, at) => frame(`f${at}`, "file:///srv/app.ts"));
    expect(relevantFrames(frames)).toHaveLength(STACK_FRAMES_MAX);
  });
});

describe("a stack as text", () => {
  it("names function, file, line and column, counted from 1", () => {
    const frames = [
      frame("", "file:///srv/a%20b.ts?holdfast-again=1", 2, 4),
      frame("f", "", 0, 0),
      frame("g", "file://host/x"),
    ];
    expect(formatStack(frames, () => undefined).split("\n")).toEqual([
      "at <anonymous> (/srv/a b.ts:3:5)",
      "at f (<no file>:1:1)",
      "at g (file://host/x:1:1)",
    ]);
  });

  it("has the author's places where they are known", () => {
    const placeOf = () => ({ url: "file:///srv/a.ts", line: 30, column: 7 });
    expect(formatStack([frame("f", "file:///srv/a.js", 1, 1)], placeOf)).toBe("at f (/srv/a.ts:30:7)");
  });
});

describe("the source map of a script", () => {
  const dirs = tempDirs();
  // Line 1, column 1 of the code is line 3, column 2 of the source (the numbers below count from 0).
  const MAP = { version: 3, sources: ["a.ts"], names: [], mappings: "AAEC" };
  const inline = (map: unknown) =>
    `data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString("base64")}`;

  it("is read from the script itself", async () => {
    const url = "file:///srv/a.js";
    const map = await loadSourceMap({ url, sourceMapUrl: inline(MAP) });
    expect(map).toBeInstanceOf(SourceMap);
    expect(map && sourcePlace(map, url, frame("f", url))).toEqual({ url: "file:///srv/a.ts", line: 3, column: 2 });
  });

  it("is read from a file beside it", async () => {
    const dir = dirs();
    dir.write("a.js.map", JSON.stringify(MAP));
    const url = pathToFileURL(`${dir.path}/a.js`).href;
    const map = await loadSourceMap({ url, sourceMapUrl: "a.js.map" });
    expect(map && sourcePlace(map, url, frame("f", url))).toMatchObject({
      url: pathToFileURL(`${dir.path}/a.ts`).href,
    });
  });

  it("is none where there is none, or none that can be read", async () => {
    const dir = dirs();
    const url = pathToFileURL(`${dir.path}/a.js`).href;
    dir.write("broken.map", "{");
    dir.write("null.map", "null");
    dir.write("folder.map/x", "");
    dir.write("long.map", " ".repeat(SOURCE_MAP_BYTES_MAX + 1));
    for (const sourceMapUrl of [
      "",
      "missing.map",
      "broken.map",
      "null.map",
      "folder.map",
      "long.map",
      "https://example.org/a.map",
      "data:application/json;base64,AAAA",
      "http://[",
    ]) {
      expect([sourceMapUrl, await loadSourceMap({ url, sourceMapUrl })]).toEqual([sourceMapUrl, undefined]);
    }
  });

  it("names no place that it does not know", () => {
    expect(
      sourcePlace(new SourceMap({ ...MAP, mappings: "" } as never), "file:///a.js", frame("f", "")),
    ).toBeUndefined();
  });
});

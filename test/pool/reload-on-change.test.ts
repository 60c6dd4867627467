import { join } from "node:path";
import type { FaultData } from "../../src/base/fault.ts";
import { ReloadOnChange } from "../../src/pool/reload-on-change.ts";
import { eventually } from "../support/eventually.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

/** Long enough for a change to settle. */
const AGAIN_MS = 500;

describe("a file of the app that changes", () => {
  const tempDir = tempDirs();
  let dir: TempDir;
  let told: string[];
  let replaceAll: () => Promise<void>;
  let changes: ReloadOnChange;

  beforeEach(() => {
    dir = tempDir();
    dir.write("app.mjs", "1");
    dir.write("style.css", "1");
    told = [];
    replaceAll = async () => void told.push("new workers");
    changes = new ReloadOnChange({
      live: {
        reloaded: () => told.push("pages: reloaded"),
        failed: (_path: string, { message }: FaultData) => told.push(`pages: ${message}`),
        assetChanged: () => told.push("pages: an asset"),
      },
      folder: dir.path,
      replaceAll: () => replaceAll(),
      settled: (_path, fault) => told.push(`log: ${fault?.message ?? "reloaded"}`),
      failed: (error) => told.push(`cannot watch: ${error}`),
    });
    changes.loaded(join(dir.path, "app.mjs"));
  });
  afterEach(() => changes.close());

  /** Written again until it is seen: the watch of a folder may not be up yet. */
  async function change(name: string, count: number): Promise<void> {
    let text = "1";
    let againAt = 0;
    await eventually(() => {
      if (told.length === 0 && performance.now() >= againAt) {
        text += "2";
        dir.write(name, text);
        againAt = performance.now() + AGAIN_MS;
      }
      return told.length >= count;
    });
  }

  it("brings new workers, of which the log and then the pages are told", async () => {
    await change("app.mjs", 3);
    expect(told.slice(0, 3)).toEqual(["new workers", "log: reloaded", "pages: reloaded"]);
  });

  it("and does not load is told of with the reason", async () => {
    replaceAll = () => Promise.reject(new Error("it does not parse"));
    await change("app.mjs", 2);
    expect(told.slice(0, 2)).toEqual(["log: it does not parse", "pages: it does not parse"]);
  });

  it("and that only browsers load is the pages' alone", async () => {
    await change("style.css", 1);
    expect(new Set(told)).toEqual(new Set(["pages: an asset"]));
  });
});

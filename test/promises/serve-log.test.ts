// What a developer reads while `holdfast serve` runs.

import { eventually } from "../support/eventually.ts";
import { ask } from "../support/http.ts";
import { launcher } from "../support/launch.ts";
import { tempDirs } from "../support/temp-dir.ts";

describe("the log of `holdfast serve`", () => {
  const tempDir = tempDirs();
  const launch = launcher();

  it("has a line for each request, and none for pages that wait for a change", async () => {
    const dir = tempDir();
    dir.write("index.ts", "export default () => new Response('hello');\n");
    const launched = launch(["serve", dir.path, "--front", "builtin", "--port", "0", "--threads", "1"]);
    await launched.line(/Ctrl-C/);
    const url = /^ {2}URL +(.*)\/$/m.exec(launched.output)?.[1] ?? "";
    await ask(url, "/-/holdfast/live");
    await ask(url, "/-/holdfast/live.js");
    await ask(url, "/missing?a=1");
    await ask(url, "/");
    const lines = await eventually(() => {
      const found = launched.output.split("\n").filter((line) => line.includes('"status":'));
      return found.length >= 2 && found;
    });
    expect(lines.map((line) => JSON.parse(line) as Record<string, unknown>)).toEqual([
      expect.objectContaining({ method: "GET", path: "/missing", query: "a=1", status: 404 }),
      expect.objectContaining({ method: "GET", path: "/", status: 200, bytes: 5 }),
    ]);
  });
});

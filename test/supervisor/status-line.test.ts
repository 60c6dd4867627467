import { type Phase, type PoolSummary, statusLine } from "../../src/supervisor/status-line.ts";

describe("the line that `systemctl status` shows", () => {
  const pool = (name: string, serving: number, reason?: string): PoolSummary => ({
    name,
    serving,
    workers: serving * 2,
    reason,
  });

  it.each<[string, readonly PoolSummary[], Phase]>([
    ["starting: 0 of 1 pool serves", [pool("www", 0)], "starting"],
    ["1 pool serves, 2 workers", [pool("www", 1)], "running"],
    ["2 pools serve, 6 workers", [pool("www", 1), pool("shop", 2)], "running"],
    ["0 of 1 pool serves; not serving: www", [pool("www", 0)], "running"],
    [
      "1 of 2 pools serve; not serving: shop (it threw)",
      [pool("www", 1), pool("shop", 0, "it threw\nat x")],
      "running",
    ],
    ["stopping: 1 pool still finishes", [pool("www", 1), pool("shop", 0)], "stopping"],
    ["stopping", [pool("www", 0)], "stopping"],
  ])("%s", (line, pools, phase) => {
    expect(statusLine(pools, phase)).toBe(line);
  });

  it("says why everything ends that was not asked to", () => {
    expect(statusLine([pool("www", 0)], "stopping", "it threw\nat x")).toBe("failed: it threw");
  });
});

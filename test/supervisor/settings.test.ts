import { resolveConfig, type WrittenConfig } from "../../src/config/load.ts";
import type { SupervisorConfig } from "../../src/config/schema.ts";
import { afterReload } from "../../src/supervisor/settings.ts";

const settings = (supervisor: WrittenConfig["supervisor"] = {}): SupervisorConfig =>
  resolveConfig(
    {
      supervisor: { control: "/tmp/control.sock", ...supervisor },
      pools: { www: { listen: "/tmp/s", root: "/tmp", allow_root: true } },
    },
    "/tmp",
  ).config.supervisor;

describe("the [supervisor] table at a reload", () => {
  it("puts stop_timeout into effect", () => {
    const after = afterReload(settings({ stop_timeout: "30s" }), settings({ stop_timeout: "5s" }));
    expect(after).toMatchObject({ settings: { stopTimeoutMs: 5000 }, waiting: [] });
  });

  it("names what waits for the next start, and leaves it as it is", () => {
    const after = afterReload(
      settings({ log_level: "info" }),
      settings({ log_level: "debug", control: "/tmp/other.sock" }),
    );
    expect(after.settings).toEqual(settings({ log_level: "info" }));
    expect(after.waiting).toEqual(["supervisor.control", "supervisor.log_level"]);
  });
});

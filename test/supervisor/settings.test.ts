import { resolveConfig, type WrittenConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { afterReload } from "../../src/supervisor/settings.ts";

const config = (
  supervisor: WrittenConfig["supervisor"] = {},
  pool: Partial<WrittenConfig["pools"][string]> = {},
): Config =>
  resolveConfig(
    {
      supervisor: { control: "/tmp/control.sock", ...supervisor },
      pools: { www: { listen: "/tmp/s", root: "/tmp", allow_root: true, ...pool } },
    },
    "/tmp",
  ).config;

describe("what a reload puts into effect", () => {
  it("is stop_timeout of [supervisor]", () => {
    const after = afterReload(config({ stop_timeout: "30s" }), config({ stop_timeout: "5s" }));
    expect(after).toMatchObject({ settings: { stopTimeoutMs: 5000 }, waiting: [] });
  });

  it("is nothing else of it: what waits for the next start is named, and stays as it is", () => {
    const after = afterReload(
      config({ log_level: "info" }),
      config({ log_level: "debug", control: "/tmp/other.sock" }),
    );
    expect(after.settings).toEqual(config({ log_level: "info" }).supervisor);
    expect(after.waiting).toEqual(["supervisor.control", "supervisor.log_level"]);
  });

  it("is not the owner or the mode of a socket that is kept", () => {
    expect(afterReload(config(), config({}, { listen_mode: "0600" })).waiting).toEqual(["pools.www.listen_mode"]);
  });

  it("is the mode of a socket that is bound anew", () => {
    expect(afterReload(config(), config({}, { listen: "/tmp/other", listen_mode: "0600" })).waiting).toEqual([]);
  });
});

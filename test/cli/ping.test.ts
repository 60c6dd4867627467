import { join } from "node:path";
import type { ControlReply, ControlRequest, StatusReport } from "../../src/messages/control.ts";
import { type ControlSocket, openControl } from "../../src/supervisor/control.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { launcher } from "../support/launch.ts";
import { tempDirs } from "../support/temp-dir.ts";

describe("holdfast ping", () => {
  const tempDir = tempDirs();
  const launch = launcher();
  const names = Array.from({ length: 50 }, (_, index) => `site${index}`);
  let control: ControlSocket | undefined;

  afterEach(() => control?.close());

  async function answer(request: ControlRequest): Promise<ControlReply> {
    if (request.command === "ping") {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { ok: true, command: "ping", pool: request.pool, ms: 1 };
    }
    const pools = names.map((name) => ({ name }));
    return { ok: true, command: "status", status: { pools } as unknown as StatusReport };
  }

  it("asks every pool of a shared host, without shutting others out of the control socket", async () => {
    const path = join(tempDir().path, "c");
    control = await openControl(
      path,
      answer,
      createLog("json", "error", () => {}),
    );
    const { stdout, code } = await launch(["ping", "--control", path]).finished;
    expect(stdout).toBe(names.map((name) => `pong ${name} 1.0 ms\n`).join(""));
    expect(code).toBe(0);
  });
});

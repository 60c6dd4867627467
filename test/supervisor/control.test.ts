import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Fault } from "../../src/base/fault.ts";
import type { ControlReply, ControlRequest } from "../../src/messages/control.ts";
import { type ControlSocket, openControl } from "../../src/supervisor/control.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { tempDirs } from "../support/temp-dir.ts";

describe("the control socket", () => {
  const tempDir = tempDirs();
  const log = createLog("json", "error", () => {});
  const asked: ControlRequest[] = [];
  let control: ControlSocket | undefined;
  let path: string;

  beforeEach(async () => {
    path = join(tempDir().path, "c");
    asked.length = 0;
    control = await openControl(path, answer, log);
  });
  afterEach(async () => {
    await control?.close();
    control = undefined;
  });

  async function answer(request: ControlRequest): Promise<ControlReply> {
    asked.push(request);
    if (request.command === "ping") throw new Fault("USAGE", "there is no such pool", { hint: "look" });
    return { ok: true, command: "stop" };
  }

  /** Sends the pieces and resolves with all that comes until the other side ends. */
  async function send(...pieces: readonly string[]): Promise<string> {
    const socket = connect(path).setEncoding("utf8");
    let received = "";
    socket.on("data", (text) => {
      received += text;
    });
    socket.on("error", () => {});
    for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve));
    await once(socket, "close");
    return received;
  }

  it("answers one line with one line", async () => {
    expect(JSON.parse(await send('{"command":"stop"}\n'))).toEqual({ ok: true, command: "stop" });
  });

  it("waits for a line that comes in pieces", async () => {
    await send('{"comm', 'and":"st', 'op"}\n');
    expect(asked).toEqual([{ command: "stop" }]);
  });

  it("answers the first of several lines only", async () => {
    await send('{"command":"stop"}\n{"command":"status"}\n');
    expect(asked).toEqual([{ command: "stop" }]);
  });

  it("tells why it refuses, without a stack", async () => {
    expect(JSON.parse(await send('{"command":"ping","pool":"x"}\n'))).toEqual({
      ok: false,
      fault: { code: "USAGE", message: "there is no such pool", hint: "look" },
    });
  });

  it.each(["\n", "stop\n", "null\n", "[]\n", '{"command":"ping"}\n', '{"command":"reboot"}\n', '{"command":{}}\n'])(
    "refuses %j",
    async (line) => {
      expect(JSON.parse(await send(line))).toMatchObject({ ok: false, fault: { code: "USAGE" } });
      expect(asked).toEqual([]);
    },
  );

  it("refuses a line of more than 64 KiB without waiting for its end", async () => {
    expect(JSON.parse(await send("x".repeat(70_000)))).toMatchObject({ ok: false, fault: { code: "USAGE" } });
  });

  it("lets go of a client that leaves without asking", async () => {
    const socket = connect(path);
    await once(socket, "connect");
    socket.end();
    await once(socket, "close");
    expect(asked).toEqual([]);
  });

  it("disappears when it is closed, without waiting long for a client that asks nothing", async () => {
    const socket = connect(path).on("error", () => {});
    await once(socket, "connect");
    await control?.close();
    expect(existsSync(path)).toBe(false);
    socket.destroy();
  });
});

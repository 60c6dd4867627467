import { chmodSync } from "node:fs";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { jest } from "@jest/globals";
import { ExecutableRun } from "../../../workers/cgi/executable.ts";
import { CgiInput } from "../../../workers/cgi/input.ts";
import { CgiOutput } from "../../../workers/cgi/output.ts";
import { eventually } from "../../support/eventually.ts";
import { processesWith } from "../../support/processes.ts";
import { tempDirs } from "../../support/temp-dir.ts";

describe("a CGI program that is a child process", () => {
  const dirs = tempDirs();

  async function start(script: string, body: ReadableStream<Uint8Array> | null = null) {
    const file = dirs().write("x.sh", `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    const mark = `MARK=${fileURLToPath(import.meta.url)}${file}`;
    const env = { PATH: process.env.PATH, MARK: mark.slice("MARK=".length) };
    let run: ExecutableRun | undefined;
    const unwanted = (): void => run?.kill();
    const output = new CgiOutput({ name: "x.sh", limitBytes: Number.POSITIVE_INFINITY, unwanted });
    const input = await CgiInput.of(body);
    run = new ExecutableRun({ file, env, input, output, lineBytes: 1024, said: () => {} });
    return { run, output, mark };
  }

  it("is signalled no more once it is gone: its number may be another's, though its reply is still being read", async () => {
    const { run, output, mark } = await start("printf 'Content-Type: text/plain\\n\\n'; head -c 150000 /dev/zero");
    const kill = jest.spyOn(process, "kill");
    try {
      const response = await output.response;
      await eventually(() => processesWith(mark).length === 0 && kill.mock.calls.length > 0);
      run.kill();
      expect((await response.arrayBuffer()).byteLength).toBe(150_000);
      await run.ended;
      expect(kill.mock.calls.filter(([, signal]) => signal !== 0)).toEqual([]);
    } finally {
      kill.mockRestore();
    }
  });

  it("takes along what it has left behind", async () => {
    const { run, output, mark } = await start("printf 'Status: 204\\n\\n'; sleep 600 <&- >&- 2>&- &");
    expect((await output.response).status).toBe(204);
    await run.ended;
    await eventually(() => processesWith(mark).length === 0);
  });

  it("is over once it is killed, also where something that has left its group holds on to its pipes", async () => {
    const { run, output, mark } = await start(`setsid sh -c 'printf "Status: 200\\n\\n"; exec sleep 600' & exit`);
    try {
      await output.response;
      run.kill();
      await run.ended;
      expect(processesWith(mark)).toHaveLength(1);
    } finally {
      for (const pid of processesWith(mark)) process.kill(pid, "SIGKILL");
    }
    await eventually(() => processesWith(mark).length === 0);
  });

  it("is fed a long body at its own pace, with the same few listeners", async () => {
    const counts: number[] = [];
    const written = jest.spyOn(Socket.prototype, "write").mockImplementation(function (
      this: Socket,
      ...args: unknown[]
    ) {
      counts.push(this.listenerCount("close"));
      return Reflect.apply(Duplex.prototype.write, this, args);
    } as Socket["write"]);
    try {
      const pieces = Array.from({ length: 24 }, () => new Uint8Array(1_000_000));
      const { run, output } = await start(
        "printf 'Content-Type: text/plain\\n\\n'; wc -c",
        ReadableStream.from(pieces),
      );
      expect((await (await output.response).text()).trim()).toBe("24000000");
      await run.ended;
      expect(counts.length).toBeGreaterThan(20);
      expect(Math.max(...counts)).toBeLessThan(10);
    } finally {
      written.mockRestore();
    }
  });
});

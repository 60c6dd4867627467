import { chmodSync } from "node:fs";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { jest } from "@jest/globals";
import { systemClock } from "../../../src/base/clock.ts";
import { ExecutableRun } from "../../../workers/cgi/executable.ts";
import { CgiInput } from "../../../workers/cgi/input.ts";
import { CgiOutput } from "../../../workers/cgi/output.ts";
import { eventually } from "../../support/eventually.ts";
import { processesWith } from "../../support/processes.ts";
import { tempDirs } from "../../support/temp-dir.ts";

describe("a CGI program that is a child process", () => {
  const dirs = tempDirs();

  interface Starting {
    readonly body?: ReadableStream<Uint8Array>;
    /** From now. */
    readonly deadlineMs?: number;
  }

  async function start(script: string, { body, deadlineMs = 60_000 }: Starting = {}) {
    const file = dirs().write("x.sh", `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    const mark = `MARK=${fileURLToPath(import.meta.url)}${file}`;
    const env = { PATH: process.env.PATH, MARK: mark.slice("MARK=".length) };
    let run: ExecutableRun | undefined;
    const unwanted = (): void => run?.kill();
    const output = new CgiOutput({ name: "x.sh", limitBytes: Number.POSITIVE_INFINITY, unwanted });
    const input = await CgiInput.of(body ?? null);
    const said: string[] = [];
    const deadline = systemClock.now() + deadlineMs;
    run = new ExecutableRun({ file, env, input, output, deadline, lineBytes: 1024, said: (line) => said.push(line) });
    return { run, output, mark, said };
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

  it("has replied once it closes its output, though it goes on", async () => {
    const script = "printf 'Content-Type: text/plain\\n\\nall'; exec >&-; exec sleep 600";
    const { run, output, mark } = await start(script, { deadlineMs: 2000 });
    expect(await (await output.response).text()).toBe("all");
    expect(processesWith(mark)).toHaveLength(1);
    await run.ended; // by its deadline
    expect(processesWith(mark)).toEqual([]);
  });

  it("goes on after its reply as long as it likes where it has no deadline", async () => {
    const script = "printf 'Content-Type: text/plain\\n\\nall'; exec >&-; sleep 0.5; echo done >&2";
    const { run, output, said } = await start(script, { deadlineMs: Number.POSITIVE_INFINITY });
    expect(await (await output.response).text()).toBe("all");
    await run.ended;
    expect(said).toEqual(["done"]);
  });

  it("has replied, and is over, where something that it has left behind keeps its standard error", async () => {
    const { run, output, mark } = await start("printf 'Content-Type: text/plain\\n\\nall'; sleep 600 >&- &");
    expect(await (await output.response).text()).toBe("all");
    await run.ended;
    await eventually(() => processesWith(mark).length === 0);
  });

  it("has a reply that breaks off where a signal ends it", async () => {
    const { run, output, said } = await start("printf 'Content-Type: text/plain\\n\\nnot all'; kill -9 $$");
    await expect((await output.response).text()).rejects.toMatchObject({
      message: expect.stringContaining("was ended by SIGKILL"),
    });
    await run.ended;
    expect(said).toEqual([expect.stringContaining("ended with SIGKILL")]);
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
      const { run, output } = await start("printf 'Content-Type: text/plain\\n\\n'; wc -c", {
        body: ReadableStream.from(pieces),
      });
      expect((await (await output.response).text()).trim()).toBe("24000000");
      await run.ended;
      expect(counts.length).toBeGreaterThan(20);
      expect(Math.max(...counts)).toBeLessThan(10);
    } finally {
      written.mockRestore();
    }
  });
});

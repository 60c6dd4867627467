import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { PIPE_BACKLOG_BYTES } from "../../src/telemetry/pipe-writer.ts";

const MODULE = new URL("../../src/telemetry/pipe-writer.js", import.meta.url).href;

/** A process that writes to its descriptor 3; its standard output tells how it went. */
function writer(code: string) {
  const script = `import { PipeWriter } from ${JSON.stringify(MODULE)}; ${code}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit", "pipe"],
  });
  return { child, said: child.stdio[1] as Readable, pipe: child.stdio[3] as Readable };
}

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const piece of stream) text += piece;
  return text;
}

describe("lines into a pipe", () => {
  it("leave at once, even when the process is killed by its next statement", async () => {
    const { pipe } = writer(`new PipeWriter(3, () => {}).write("last\\n"); process.kill(process.pid, "SIGKILL");`);
    expect(await textOf(pipe)).toBe("last\n");
  });

  it("are kept up to a bound, and then counted, while nobody reads; nobody waits", async () => {
    const { child, said, pipe } = writer(`
      let dropped = 0;
      const writer = new PipeWriter(3, (lines) => { dropped += lines; });
      const line = "x".repeat(999) + "\\n";
      const from = performance.now();
      for (let n = 0; n < 5000; n++) writer.write(line);
      process.stdout.write(String(performance.now() - from) + "\\n");
      await writer.flushed(5000);
      process.stdout.write(String(dropped) + "\\n");
      process.exit();`);
    const [ms] = (await once(said, "data")).map(Number);
    expect(ms).toBeLessThan(1000);
    const [text, dropped] = await Promise.all([textOf(pipe), textOf(said)]);
    const lines = text.length / 1000;
    expect(lines * 1000).toBeLessThan(2 * PIPE_BACKLOG_BYTES);
    expect(lines + Number(dropped)).toBe(5000);
    expect(text).toMatch(/^(x{999}\n)+$/);
    if (child.exitCode === null) await once(child, "exit");
  });

  it("are waited for no longer than until they have left", async () => {
    const { said, pipe } = writer(`
      import { writeSync } from "node:fs";
      const writer = new PipeWriter(3, () => {});
      try { for (;;) writeSync(3, "x".repeat(1000)); } catch {} // it is full
      writer.write("x".repeat(3000) + "last\\n");
      process.stdout.write("full\\n");
      const from = performance.now();
      await writer.flushed(10_000);
      process.stdout.write(String(performance.now() - from));
      process.exit();`);
    await once(said, "data");
    const [text, ms] = await Promise.all([textOf(pipe), textOf(said)]);
    expect(text).toMatch(/last\n$/);
    expect(Number(ms)).toBeLessThan(5000);
  });

  it("are given up when the reader is gone", async () => {
    const { said, pipe } = writer(`
      const writer = new PipeWriter(3, () => {});
      process.stdout.write("ready\\n");
      const timer = setInterval(() => writer.write("x".repeat(1000)), 1);
      setTimeout(() => { clearInterval(timer); process.stdout.write("alive\\n"); process.exit(); }, 100);`);
    await once(said, "data");
    pipe.destroy();
    expect(await textOf(said)).toBe("alive\n");
  });
});

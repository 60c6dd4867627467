import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createNotifier, openNotifier } from "../../src/supervisor/notify.ts";
import {
  commandTransport,
  openTransport,
  sendsAsItself,
  type Transport,
} from "../../src/supervisor/notify-transport.ts";
import type { Log } from "../../src/telemetry/log.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { notifyReceivers } from "../support/notify-receiver.ts";
import { tempDirs } from "../support/temp-dir.ts";

function recorder(): Transport & { readonly sent: string[] } {
  const sent: string[] = [];
  return { sent, send: (message) => sent.push(message), close: () => Promise.resolve() };
}

function silentLog(): Log & { readonly warnings: string[] } {
  const warnings: string[] = [];
  const ignore = (): void => {};
  return {
    warnings,
    error: ignore,
    info: ignore,
    debug: ignore,
    warn: (message: string) => warnings.push(message),
  } as never;
}

describe("what the service manager is told [sd_notify(3)]", () => {
  it("is one datagram for each thing that happens", () => {
    const transport = recorder();
    const notifier = createNotifier(transport, new FakeClock());
    notifier.extend(60_000);
    notifier.ready("2 pools serve");
    notifier.reloading();
    notifier.mainPid(812);
    notifier.stopping(30_000);
    expect(transport.sent).toEqual([
      "EXTEND_TIMEOUT_USEC=70000000",
      "READY=1\nSTATUS=2 pools serve",
      expect.stringMatching(/^RELOADING=1\nMONOTONIC_USEC=\d+$/),
      "MAINPID=812",
      "STOPPING=1\nEXTEND_TIMEOUT_USEC=40000000",
    ]);
  });

  it("says the same status only once, and never more than one line of it", () => {
    const transport = recorder();
    const notifier = createNotifier(transport, new FakeClock());
    notifier.status("a\nMAINPID=1\u0000b");
    notifier.status("a MAINPID=1 b");
    notifier.status("x".repeat(10_000));
    expect(transport.sent).toEqual(["STATUS=a MAINPID=1 b", `STATUS=${"x".repeat(300)}`]);
  });

  it("is a sign of life twice in each period of the watchdog, until it is closed", async () => {
    const clock = new FakeClock();
    const transport = recorder();
    const notifier = createNotifier(transport, clock, 15_000);
    clock.advance(45_000);
    expect(transport.sent).toEqual(Array(4).fill("WATCHDOG=1"));
    await notifier.close();
    clock.advance(60_000);
    expect(transport.sent).toHaveLength(4);
  });
});

describe("the service manager's variables", () => {
  it("are taken out of the environment, so that no pool inherits them", () => {
    const env = { NOTIFY_SOCKET: "/nowhere/s", WATCHDOG_USEC: "0", WATCHDOG_PID: "1", HOME: "/root" };
    openNotifier(env, silentLog(), new FakeClock());
    expect(env).toEqual({ HOME: "/root" });
  });

  it("that name no unix socket are refused in the log", () => {
    const log = silentLog();
    openNotifier({ NOTIFY_SOCKET: "vsock:2:1234" }, log, new FakeClock()).ready("x");
    expect(log.warnings).toEqual([expect.stringContaining("names no unix socket")]);
  });

  it("that lead nowhere cost one warning, and nothing else", () => {
    const log = silentLog();
    const notifier = openNotifier({ NOTIFY_SOCKET: "/nowhere/s" }, log, new FakeClock());
    notifier.status("a");
    notifier.status("b");
    if (sendsAsItself()) expect(log.warnings).toEqual(["the service manager cannot be told"]);
  });

  it("about another process's watchdog feed none", () => {
    const clock = new FakeClock();
    const env = (pid: number) => ({ NOTIFY_SOCKET: "/nowhere/s", WATCHDOG_USEC: "2000000", WATCHDOG_PID: String(pid) });
    openNotifier(env(process.pid + 1), silentLog(), clock);
    expect(clock.pending).toBe(0);
    const ours = openNotifier(env(process.pid), silentLog(), clock);
    expect(clock.pending).toBe(1);
    return ours.close();
  });
});

describe("a datagram to the service manager", () => {
  const tempDir = tempDirs();
  const receive = notifyReceivers();
  const transports: Transport[] = [];
  afterEach(async () => {
    for (const transport of transports.splice(0)) await transport.close();
  });

  function open(path: string, failures: unknown[] = []): Transport {
    const transport = openTransport(path, (error) => failures.push(error));
    transports.push(transport);
    return transport;
  }

  it.each(["a path", "an abstract name"])("arrives whole at %s", async (kind) => {
    const path = kind === "a path" ? join(tempDir().path, "n") : `@holdfast-test-${process.pid}`;
    const receiver = await receive(path);
    const failures: unknown[] = [];
    const transport = open(path, failures);
    transport.send("READY=1\nSTATUS=Grüße");
    transport.send("STOPPING=1");
    const last = await receiver.message(/STOPPING/);
    expect(failures).toEqual([]);
    expect(receiver.received.map(({ text }) => text)).toEqual(["READY=1\nSTATUS=Grüße", "STOPPING=1"]);
    if (sendsAsItself()) expect(last.pid).toBe(process.pid);
  });

  it("arrives after the manager has opened its socket anew", async () => {
    const path = join(tempDir().path, "n");
    const first = await receive(path);
    const transport = open(path);
    transport.send("STATUS=one");
    await first.message(/one/);
    await first.close();
    rmSync(path);
    const second = await receive(path);
    transport.send("STATUS=two");
    await second.message(/two/);
  });

  it("is sent by systemd-notify where Node cannot, one after the other", async () => {
    const dir = tempDir();
    const failures: unknown[] = [];
    const command = dir.write(
      "notify",
      `#!/bin/sh\nprintf '%s|' "$NOTIFY_SOCKET" "$@" >> ${dir.path}/log\necho >> ${dir.path}/log\n`,
    );
    chmodSync(command, 0o755);
    const transport = commandTransport("/run/n", (error) => failures.push(error), command);
    transport.send("READY=1\nSTATUS=a b");
    transport.send("STOPPING=1");
    await transport.close();
    const { readFileSync } = await import("node:fs");
    expect(readFileSync(join(dir.path, "log"), "utf8")).toBe("/run/n|--|READY=1|STATUS=a b|\n/run/n|--|STOPPING=1|\n");
    expect(failures).toEqual([]);
  });

  it("that systemd-notify cannot send is reported, and does not stop the next", async () => {
    const failures: unknown[] = [];
    const transport = commandTransport("/run/n", (error) => failures.push(error), "/nowhere/systemd-notify");
    transport.send("READY=1");
    transport.send("STOPPING=1");
    await transport.close();
    expect(failures).toHaveLength(2);
  });
});

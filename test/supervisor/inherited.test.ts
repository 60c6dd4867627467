import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { bindAddress } from "../../src/supervisor/addresses.ts";
import { InheritedSockets, takeInheritedSockets } from "../../src/supervisor/inherited.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { itWithIpv6 } from "../support/ipv6.ts";
import { listeningSockets } from "../support/listening-socket.ts";
import { tempDirs } from "../support/temp-dir.ts";

const INHERITED = new URL("../../src/supervisor/inherited.js", import.meta.url);
const LOG = new URL("../../src/telemetry/log.js", import.meta.url);
const PROGRAM = `
  import { takeInheritedSockets } from ${JSON.stringify(INHERITED)};
  import { createLog } from ${JSON.stringify(LOG)};
  const env = { ...process.env };
  const { free } = takeInheritedSockets(env, createLog("json", "error"));
  const left = Object.keys(env).filter((name) => name.startsWith("LISTEN_"));
  console.log(JSON.stringify({ free, left }));`;

/** What a process finds that was started with these descriptors from 3 on. */
function found(fds: readonly number[], variables: Readonly<Record<string, string>>): unknown {
  const shell = `LISTEN_PID=\${LISTEN_PID:-$$} exec "$@"`;
  const argv = ["-c", shell, "sh", process.execPath, "--input-type=module", "--eval", PROGRAM];
  const { stdout, stderr } = spawnSync("sh", argv, {
    stdio: ["ignore", "pipe", "pipe", ...fds],
    env: { PATH: process.env.PATH ?? "", ...variables },
    encoding: "utf8",
    timeout: 15_000,
  });
  if (stderr !== "") throw new Error(stderr);
  return JSON.parse(stdout);
}

describe("sockets that the service manager passes [sd_listen_fds(3)]", () => {
  const tempDir = tempDirs();
  const listening = listeningSockets();

  it("are found with their names and addresses, and their variables are taken away", async () => {
    const path = join(tempDir().path, "a b.sock");
    const unix = await listening({ kind: "unix", path });
    const v4 = await listening({ kind: "tcp", host: "127.0.0.1", port: 0 });
    const variables = { LISTEN_FDS: "2", LISTEN_FDNAMES: "www:four" };
    expect(found([unix.fd, v4.fd], variables)).toEqual({
      free: [
        { fd: 3, name: "www", bound: { kind: "unix", path } },
        { fd: 4, name: "four", bound: v4.listen },
      ],
      left: [],
    });
  });

  itWithIpv6("are found with an address of IPv6 too", async () => {
    const v4 = await listening({ kind: "tcp", host: "127.0.0.1", port: 0 });
    const v6 = await listening({ kind: "tcp", host: "::1", port: 0 });
    expect(found([v4.fd, v6.fd], { LISTEN_FDS: "2", LISTEN_FDNAMES: "four:six" })).toEqual({
      free: [
        { fd: 3, name: "four", bound: v4.listen },
        { fd: 4, name: "six", bound: v6.listen },
      ],
      left: [],
    });
  });

  it("are of no use where they do not listen for streams", async () => {
    const bound = await bindAddress({ listen: { kind: "tcp", host: "127.0.0.1", port: 0 }, listenMode: 0o660 });
    try {
      expect(found([bound.fd], { LISTEN_FDS: "2" })).toEqual({
        free: [
          { fd: 3, name: "unknown" },
          { fd: 4, name: "unknown" },
        ],
        left: [],
      });
    } finally {
      await bound.close();
    }
  });

  it.each([
    ["that are meant for another process", { LISTEN_FDS: "1", LISTEN_PID: "1" }],
    ["of which there is no number", { LISTEN_FDS: "many", LISTEN_PID: String(process.pid) }],
    ["of which there are too many", { LISTEN_FDS: "1000000", LISTEN_PID: String(process.pid) }],
  ])("%s are left alone", (_, env) => {
    const lines: string[] = [];
    const log = createLog("json", "warn", (line) => lines.push(line));
    expect(takeInheritedSockets(env, log).free).toEqual([]);
    expect(lines).toEqual([expect.stringContaining("LISTEN_FDS")]);
    expect(env).toEqual({});
  });
});

describe("the address of a pool", () => {
  const tempDir = tempDirs();
  const listening = listeningSockets();

  const www = { fd: 33, name: "www", bound: { kind: "unix", path: "/run/www.sock" } } as const;
  const tcp = { fd: 34, name: "api", bound: { kind: "tcp", host: "::1", port: 9000 } } as const;
  const none = { fd: 35, name: "log", bound: undefined } as const;
  const options = { listenMode: 0o660 };

  it.each([
    ["by its name", { kind: "systemd", name: "www" }, www],
    ["by the path it is bound to", { kind: "unix", path: "/run/www.sock" }, www],
    ["by the port it is bound to", { kind: "tcp", host: "::1", port: 9000 }, tcp],
  ] as const)("is a socket that was passed, %s", async (_, listen, socket) => {
    const address = await bindAddress({ listen, ...options }, new InheritedSockets([none, tcp, www]));
    expect(address).toMatchObject({ fd: socket.fd, listen: socket.bound });
  });

  it("is taken by one pool at a time, and can be taken again when that has let go of it", async () => {
    const sockets = new InheritedSockets([www]);
    const listen = { kind: "systemd", name: "www" } as const;
    const first = await bindAddress({ listen, ...options }, sockets);
    await expect(bindAddress({ listen, ...options }, sockets)).rejects.toMatchObject({ code: "LISTEN" });
    await first.close();
    await expect(bindAddress({ listen, ...options }, sockets)).resolves.toMatchObject({ fd: 33 });
    expect(sockets.free).toEqual([]);
  });

  it("by a name that was not passed is refused, with the remedy", async () => {
    const listen = { kind: "systemd", name: "log" } as const;
    await expect(bindAddress({ listen, ...options }, new InheritedSockets([none]))).rejects.toMatchObject({
      code: "LISTEN",
      message: "systemd:log: no listening socket of that name was passed",
      hint: expect.stringContaining("FileDescriptorName=log"),
    });
  });

  it("leaves the path of a passed socket where it is", async () => {
    const path = join(tempDir().path, "s");
    const { fd } = await listening({ kind: "unix", path });
    const sockets = new InheritedSockets([{ fd, name: "www", bound: { kind: "unix", path } }]);
    const address = await bindAddress({ listen: { kind: "unix", path }, ...options }, sockets);
    await address.close();
    expect(existsSync(path)).toBe(true);
  });
});

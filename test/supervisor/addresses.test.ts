import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, renameSync, statSync, symlinkSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import type { ListenAddress } from "../../src/config/schema.ts";
import { type Address, bindAddress } from "../../src/supervisor/addresses.ts";
import { itWithIpv6 } from "../support/ipv6.ts";
import { tempDirs } from "../support/temp-dir.ts";
import { itAsRoot, unprivileged } from "../support/user.ts";

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("an address", () => {
  const tempDir = tempDirs();
  const addresses: Address[] = [];
  const servers: Server[] = [];
  const children: ChildProcess[] = [];

  afterEach(async () => {
    for (const address of addresses.splice(0)) await address.close();
    for (const child of children.splice(0)) await kill(child);
    for (const server of servers.splice(0)) {
      server.close();
      await once(server, "close");
    }
  });

  async function bind(
    listen: ListenAddress,
    options: Partial<Parameters<typeof bindAddress>[0]> = {},
  ): Promise<Address> {
    const address = await bindAddress({ listen, listenMode: 0o660, ...options });
    addresses.push(address);
    return address;
  }

  async function listening(path: string): Promise<Server> {
    const server = createServer().listen(path);
    servers.push(server);
    await once(server, "listening");
    return server;
  }

  const unix = (path: string): ListenAddress => ({ kind: "unix", path });
  const tcp = (host: string, port: number): ListenAddress => ({ kind: "tcp", host, port });

  describe("of a unix socket", () => {
    it("has its mode from the start, and its path disappears when it is closed", async () => {
      const path = join(tempDir().path, "s");
      const address = await bind(unix(path), { listenMode: 0o640 });
      expect(statSync(path).mode & 0o777).toBe(0o640);
      await address.close();
      expect(existsSync(path)).toBe(false);
    });

    it("takes the place of a socket that nobody listens on", async () => {
      const { path } = tempDir();
      const server = await listening(join(path, "old"));
      renameSync(join(path, "old"), join(path, "s"));
      servers.splice(0);
      server.close();
      await once(server, "close");
      expect(existsSync(join(path, "s"))).toBe(true);
      await expect(bind(unix(join(path, "s")))).resolves.toBeDefined();
    });

    it("leaves a socket alone that somebody listens on", async () => {
      const path = join(tempDir().path, "s");
      await listening(path);
      await expect(bind(unix(path))).rejects.toMatchObject({
        code: "LISTEN",
        message: `another process already listens on ${path}`,
      });
      const client = connect(path);
      await once(client, "connect");
      client.destroy();
    });

    it.each(["file", "folder", "link to a socket"])("leaves a %s alone that has its path", async (what) => {
      const dir = tempDir();
      const path = join(dir.path, "s");
      if (what === "file") dir.write("s", "precious");
      else if (what === "folder") mkdirSync(path);
      else {
        await listening(join(dir.path, "real"));
        symlinkSync(join(dir.path, "real"), path);
      }
      await expect(bind(unix(path))).rejects.toMatchObject({ message: `${path} exists and is no socket` });
      expect(existsSync(path)).toBe(true);
    });

    it("says that its folder is missing, and how to make it", async () => {
      const path = join(tempDir().path, "no", "s");
      await expect(bind(unix(path))).rejects.toMatchObject({
        code: "LISTEN",
        hint: expect.stringContaining("mkdir -p"),
      });
    });

    it("refuses a folder in which anyone may replace it, unless only its owner may", async () => {
      const { path } = tempDir();
      chmodSync(path, 0o777);
      await expect(bind(unix(join(path, "s")))).rejects.toMatchObject({
        code: "LISTEN",
        message: `anyone may replace a socket in ${path}`,
        hint: expect.stringContaining(`chmod o-w ${path}`),
      });
      chmodSync(path, 0o1777);
      await expect(bind(unix(join(path, "s")))).resolves.toBeDefined();
    });

    it("may lie behind a link to its folder", async () => {
      const { path } = tempDir();
      mkdirSync(join(path, "run"));
      symlinkSync("run", join(path, "var"));
      await bind(unix(join(path, "var", "s")), { listenMode: 0o600 });
      expect(statSync(join(path, "run", "s")).mode & 0o777).toBe(0o600);
    });

    it("says that its folder is not writable", () => {
      const { path } = tempDir();
      chmodSync(path, 0o555);
      const addresses = new URL("../../src/supervisor/addresses.js", import.meta.url);
      const options = { listen: unix(join(path, "s")), listenMode: 0o660 };
      const program = `import { bindAddress } from ${JSON.stringify(addresses)};
        await bindAddress(${JSON.stringify(options)}).catch((fault) => console.log(fault.message + ": " + fault.hint));`;
      const [command, ...args] = unprivileged([process.execPath, "--input-type=module", "--eval", program]);
      const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: 15_000 });
      chmodSync(path, 0o700);
      expect({ stdout, stderr }).toEqual({
        stdout: expect.stringMatching(/permission denied.*make the folder writable/),
        stderr: "",
      });
    });

    itAsRoot("belongs to its owner and group", async () => {
      const path = join(tempDir().path, "s");
      await bind(unix(path), { listenOwner: "daemon", listenGroup: "bin" });
      expect(statSync(path)).toMatchObject({ uid: 1, gid: 2 });
    });

    it("refuses an owner that does not exist before it touches anything", async () => {
      const path = join(tempDir().path, "s");
      await expect(bind(unix(path), { listenOwner: "nobody-of-that-name" })).rejects.toMatchObject({ code: "CONFIG" });
      expect(existsSync(path)).toBe(false);
    });
  });

  describe("of a TCP socket", () => {
    const tellsItsPort = async (host: string): Promise<void> => {
      const { listen } = await bind(tcp(host, 0));
      expect(listen).toEqual({ kind: "tcp", host, port: expect.any(Number) });
      expect(listen.kind === "tcp" && listen.port > 0).toBe(true);
    };
    it("tells which port it got when any would do", () => tellsItsPort("127.0.0.1"));
    itWithIpv6("tells it of IPv6 too", () => tellsItsPort("::1"));

    it("is refused at once when another process has it, and says so", async () => {
      const server = createServer().listen(0, "127.0.0.1");
      servers.push(server);
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      await expect(bind(tcp("127.0.0.1", port))).rejects.toMatchObject({
        code: "LISTEN",
        message: `cannot bind 127.0.0.1:${port}: EADDRINUSE`,
        hint: expect.stringContaining("another process has it"),
      });
    });

    it("is refused when this machine has no such address", async () => {
      await expect(bind(tcp("203.0.113.7", 9000))).rejects.toMatchObject({
        message: expect.stringMatching(/EADDRNOTAVAIL/),
      });
    });
  });

  describe("outlives the process that listens on it", () => {
    const LISTENER = `require("node:net").createServer((s) => s.end(String(process.pid)))
      .listen({ fd: 3 }, 4096, () => process.stdout.write("up"))`;

    async function listener(fd: number): Promise<ChildProcess> {
      const child = spawn(process.execPath, ["-e", LISTENER], { stdio: ["ignore", "pipe", "inherit", fd] });
      children.push(child);
      if (child.stdout !== null) await once(child.stdout, "data");
      return child;
    }

    it.each(["unix", "tcp"])(
      "so that a client which connects between two processes is served by the second (%s)",
      async (kind) => {
        const address = await bind(kind === "unix" ? unix(join(tempDir().path, "s")) : tcp("127.0.0.1", 0));
        const first = await listener(address.fd);
        first.kill("SIGKILL");
        await once(first, "exit");
        const { listen } = address;
        const client = listen.kind === "unix" ? connect(listen.path) : connect(listen.kind === "tcp" ? listen.port : 0);
        const answer = once(client.setEncoding("utf8"), "data");
        await once(client, "connect");
        const second = await listener(address.fd);
        expect(await answer).toEqual([String(second.pid)]);
      },
    );
  });
});

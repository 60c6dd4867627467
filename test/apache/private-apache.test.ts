// The Apache of our own: started, stopped, and what is said when it cannot be.

import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { apacheAccount } from "../../src/front/accounts.ts";
import { type ApacheLaunch, type RunningApache, startApache } from "../../src/front/apache.ts";
import { findApache } from "../../src/front/find-apache.ts";
import { describeWithApache, openFolder, removeFolders } from "../support/apache.ts";
import { ask } from "../support/http.ts";
import { descendantsOf, isRunning } from "../support/processes.ts";

const search = await findApache();
let folder: string;
let apache: RunningApache | undefined;
let other: Server | undefined;

beforeEach(() => {
  folder = openFolder();
});
afterEach(async () => {
  await apache?.stop();
  other?.close();
  apache = undefined;
  other = undefined;
  removeFolders();
});

function launch(options: Partial<ApacheLaunch> = {}): Promise<RunningApache> {
  if (search.kind === "missing") throw new Error(search.reason);
  const account = process.getuid?.() === 0 ? apacheAccount(0) : undefined;
  const common = { program: search.program, folder, host: "127.0.0.1", port: 0, account };
  return startApache({ ...common, site: [`DocumentRoot "${folder}"`], ...options });
}

describeWithApache("an Apache of our own", () => {
  it("accepts connections as soon as it is started, and keeps its files in its folder", async () => {
    apache = await launch();
    expect((await ask(`http://127.0.0.1:${apache.port}`, "/")).status).toBe(403);
    for (const path of [apache.errorLog, apache.accessLog]) expect(path.startsWith(folder)).toBe(true);
    expect(readFileSync(apache.errorLog, "utf8")).toContain("denied");
  });

  it("does not say more of itself than its name", async () => {
    apache = await launch();
    expect((await ask(`http://127.0.0.1:${apache.port}`, "/")).headers.server).toBe("Apache");
  });

  it("ends with all of its processes when it is stopped, and that is no fault", async () => {
    apache = await launch();
    const processes = [apache.pid, ...descendantsOf(apache.pid)];
    expect(processes.length).toBeGreaterThan(1);
    await apache.stop();
    expect(await apache.ended).toBeUndefined();
    expect(processes.filter(isRunning)).toEqual([]);
  });

  it("is reported with its last words when it ends by itself", async () => {
    apache = await launch();
    process.kill(apache.pid, "SIGTERM");
    expect(await apache.ended).toMatchObject({ code: "LISTEN", message: expect.stringContaining("SIGTERM") });
  });

  it("is not started on a port that another program uses, and says so", async () => {
    other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(launch({ port })).rejects.toMatchObject({
      code: "LISTEN",
      message: `127.0.0.1:${port} is in use by another program`,
      hint: "choose another port with --port",
    });
  });

  it("is not started on an address of another machine, and says so", async () => {
    await expect(launch({ host: "192.0.2.1", port: 8080 })).rejects.toThrow("192.0.2.1 is no address of this machine");
  });

  it("is not started with a mistake in its configuration, and says which in Apache's words", async () => {
    await expect(launch({ site: ["NoSuchDirective on"] })).rejects.toThrow("Invalid command 'NoSuchDirective'");
    expect(existsSync(join(folder, "apache.pid"))).toBe(false);
  });
});

describe("looking for Apache", () => {
  it("passes over a program that does not answer as Apache", async () => {
    writeFileSync(join(folder, "apache2"), "#!/bin/sh\necho something else\n", { mode: 0o755 });
    const found = await findApache({ PATH: folder });
    expect(found).toEqual({ kind: "missing", reason: `${join(folder, "apache2")} does not answer as Apache` });
  });
});

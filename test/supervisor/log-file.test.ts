import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogFile } from "../../src/supervisor/log-file.ts";
import { tempDirs } from "../support/temp-dir.ts";
import { itAsRoot } from "../support/user.ts";

/** Whether this process may mount a small disk to fill. */
function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "hf-mount-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8k", "none", folder]).status === 0;
  if (mounted) execFileSync("umount", [folder]);
  rmdirSync(folder);
  return mounted;
}

const itWithMounts: typeof it = mayMount() ? it : it.skip;

describe("a log file", () => {
  const dirs = tempDirs();
  const events: string[] = [];
  const open = (path: string): LogFile =>
    new LogFile(path, {
      failing: (_path, error) => events.push(`failing: ${(error as { code?: string }).code}`),
      recovered: (_path, lines) => events.push(`recovered: ${lines}`),
    });

  beforeEach(() => {
    events.length = 0;
  });

  it("is made for its owner and group alone, and appended to", () => {
    const path = `${dirs().path}/h.log`;
    const first = open(path);
    first.write("one\n");
    first.close();
    const second = open(path);
    second.write(Buffer.from("two\n"));
    second.close();
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
    expect((statSync(path).mode & 0o777).toString(8)).toBe("640");
  });

  it("goes on in a new file of its name after it was renamed", () => {
    const path = `${dirs().path}/h.log`;
    const file = open(path);
    file.write("one\n");
    renameSync(path, `${path}.1`);
    file.write("two\n");
    file.reopen();
    file.write("three\n");
    file.close();
    expect(readFileSync(`${path}.1`, "utf8")).toBe("one\ntwo\n");
    expect(readFileSync(path, "utf8")).toBe("three\n");
  });

  it("goes on in the old one when the new one cannot be opened", () => {
    const dir = dirs();
    const path = `${dir.path}/h.log`;
    const file = open(path);
    renameSync(path, `${path}.1`);
    mkdirSync(path);
    expect(() => file.reopen()).toThrow(expect.objectContaining({ code: "CONFIG" }));
    file.write("still here\n");
    file.close();
    expect(readFileSync(`${path}.1`, "utf8")).toBe("still here\n");
  });

  it("counts lines that a full disk did not take, says so once, and again when it takes them", () => {
    const path = `${dirs().path}/h.log`;
    const file = open("/dev/full");
    file.write("one\ntwo\n");
    file.write("three\n");
    expect(events).toEqual(["failing: ENOSPC"]);
    file.close();
    const healthy = open(path);
    healthy.write("fine\n");
    healthy.close();
    expect(events).toEqual(["failing: ENOSPC"]);
  });

  itWithMounts("ends a line that a full disk has torn, and goes on when there is room, with whole lines", () => {
    const folder = `${dirs().path}/small`;
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8k", "none", folder]);
    try {
      const path = `${folder}/h.log`;
      const ballast = `${folder}/ballast`;
      writeFileSync(ballast, Buffer.alloc(4096));
      const file = open(path);
      file.write(`${"a".repeat(4000)}\n`);
      file.write(`${"b".repeat(1000)}\nc\n`);
      file.write("d\n");
      expect(events).toEqual(["failing: ENOSPC"]);
      rmSync(ballast);
      file.write("e\n");
      file.close();
      // The rest of b, c and d.
      expect(events).toEqual(["failing: ENOSPC", "recovered: 3"]);
      expect(readFileSync(path, "utf8").replace(/a+|b+/g, "…")).toBe("…\n…\ne\n");
    } finally {
      execFileSync("umount", [folder]);
    }
  });

  it("is no symbolic link, no folder, and in a folder that is there", () => {
    const dir = dirs();
    const target = dir.write("target", "");
    symlinkSync(target, `${dir.path}/link`);
    for (const path of [`${dir.path}/link`, dir.path, `${dir.path}/none/h.log`]) {
      expect(() => open(path)).toThrow(expect.objectContaining({ code: "CONFIG" }));
    }
  });

  itAsRoot("of root is where nobody else can put another in its place, and nobody else's", () => {
    const dir = dirs();
    const shared = `${dir.path}/shared`;
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    expect(() => open(`${shared}/h.log`)).toThrow(/others may replace it/);
    chmodSync(shared, 0o755);
    chownSync(shared, 65534, 65534);
    expect(() => open(`${shared}/h.log`)).toThrow(/others may replace it/);
    mkdirSync(`${shared}/ours`);
    expect(() => open(`${shared}/ours/h.log`)).toThrow(/others may replace/);
    // What it becomes once they have replaced it.
    mkdirSync(`${dir.path}/secret`);
    symlinkSync(`${dir.path}/secret`, `${shared}/theirs`);
    expect(() => open(`${shared}/theirs/h.log`)).toThrow(/others may replace/);
    symlinkSync(`${shared}/theirs`, `${dir.path}/by-way-of-them`);
    expect(() => open(`${dir.path}/by-way-of-them/h.log`)).toThrow(/others may replace/);
    expect(readdirSync(`${dir.path}/secret`)).toEqual([]);
    symlinkSync("secret", `${dir.path}/our-link`);
    open(`${dir.path}/our-link/h.log`).close();
    const foreign = dir.write("foreign.log", "");
    chownSync(foreign, 65534, 65534);
    expect(() => open(foreign)).toThrow(/not root's alone/);
    const linked = dir.write("linked.log", "");
    linkSync(linked, `${dir.path}/other-name`);
    expect(() => open(linked)).toThrow(/not root's alone/);
  });
});

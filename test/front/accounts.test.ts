import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Account, apacheAccount, canReadFile, canReadFolder } from "../../src/front/accounts.ts";
import { openFolder, removeFolders } from "../support/apache.ts";

const account = (user: string, uid: number): Account => ({ user, uid, group: user, gid: uid });
const ACCOUNTS = [account("root", 0), account("daemon", 1), account("www-data", 33), account("alice", 1000)];

describe("the account of Apache's processes", () => {
  it("is the owner of what is served", () => {
    expect(apacheAccount(1000, ACCOUNTS)?.user).toBe("alice");
  });

  it("is the distribution's own for files of root, or of an owner whom nobody knows", () => {
    expect(apacheAccount(0, ACCOUNTS)?.user).toBe("www-data");
    expect(apacheAccount(4711, ACCOUNTS)?.user).toBe("www-data");
  });

  it("is never root", () => {
    expect(apacheAccount(0, [account("root", 0), account("www-data", 0)])).toBeUndefined();
  });
});

describe("a folder that Apache may read", () => {
  const stranger = { uid: 54_321, gid: 54_321 };
  let folder: string;
  beforeEach(() => {
    folder = openFolder();
    mkdirSync(join(folder, "site", "sub"), { recursive: true });
    writeFileSync(join(folder, "site", "sub", "page.html"), "");
  });
  afterEach(removeFolders);

  it("can be entered and read down to its files", () => {
    expect(canReadFolder(stranger, join(folder, "site"))).toBe(true);
  });

  it.each([
    ["a folder above it is closed", "", 0o700],
    ["it cannot be listed", "site", 0o711],
    ["a folder in it is closed", "site/sub", 0o700],
    ["a file in it cannot be read", "site/sub/page.html", 0o600],
  ])("is none if %s", (_, path, mode) => {
    chmodSync(join(folder, path), mode);
    expect(canReadFolder(stranger, join(folder, "site"))).toBe(false);
    chmodSync(join(folder, path), 0o755);
  });

  it("says the same of one file", () => {
    const file = join(folder, "site", "sub", "page.html");
    expect(canReadFile(stranger, file)).toBe(true);
    chmodSync(join(folder, "site"), 0o700);
    expect(canReadFile(stranger, file)).toBe(false);
  });

  it("need not show what is never served", () => {
    for (const name of [".git", "_private", "node_modules"]) mkdirSync(join(folder, "site", name), { mode: 0o700 });
    expect(canReadFolder(stranger, join(folder, "site"))).toBe(true);
  });
});

import { asIdentity, groupId, poolIdentity, userId } from "../../src/supervisor/identity.ts";

const ROOT = { uid: 0, gid: 0 };
const SOMEBODY = { uid: 65_534, gid: 65_534 };
const pool = { name: "www", allowRoot: false };

describe("who a pool runs as", () => {
  it("is the user of the configuration, with its primary group, when root starts Holdfast", () => {
    expect(poolIdentity({ ...pool, user: "daemon" }, ROOT)).toEqual({
      uid: 1,
      gid: 1,
      groups: undefined,
      name: "daemon",
      home: "/usr/sbin",
    });
  });

  it("takes the group of the configuration", () => {
    expect(poolIdentity({ ...pool, user: "daemon", group: "bin" }, ROOT)).toMatchObject({ uid: 1, gid: 2 });
  });

  it("has the supplementary groups of the user database, or exactly those of the configuration", () => {
    expect(poolIdentity({ ...pool, user: "daemon", groups: ["bin", "54321"] }, ROOT)).toMatchObject({
      gid: 1,
      groups: [2, 54_321],
    });
    expect(poolIdentity({ ...pool, user: "daemon", groups: [] }, ROOT)).toMatchObject({ groups: [] });
    expect(() => poolIdentity({ ...pool, user: "daemon", groups: ["no-such-group"] }, ROOT)).toThrow(
      'pools.www.groups: there is no group "no-such-group"',
    );
  });

  it("takes a number that the user database does not know", () => {
    expect(poolIdentity({ ...pool, user: "54321" }, ROOT)).toMatchObject({ uid: 54_321, gid: 54_321, name: undefined });
  });

  it.each([
    ["no user", {}],
    ["root", { user: "root" }],
    ["user 0", { user: "0" }],
    ["group 0", { user: "daemon", group: "root" }],
    ["supplementary group 0", { user: "daemon", groups: ["bin", "0"] }],
  ])("is refused as root with %s", (_, options) => {
    expect(() => poolIdentity({ ...pool, ...options }, ROOT)).toThrow(
      expect.objectContaining({ code: "CONFIG", message: "pools.www.user: the app would run as root" }),
    );
  });

  it("may be root when the configuration says so", () => {
    expect(poolIdentity({ ...pool, allowRoot: true }, ROOT)).toBeUndefined();
  });

  it("stays who we are when we are that user, or none is named", () => {
    expect(poolIdentity({ ...pool, user: "65534" }, SOMEBODY)).toBeUndefined();
    expect(poolIdentity(pool, SOMEBODY)).toBeUndefined();
  });

  it.each([
    ["another user", { user: "daemon" }],
    ["another group", { user: "65534", group: "bin" }],
    ["supplementary groups", { user: "65534", groups: [] }],
  ])("is refused with %s when we are not root", (_, options) => {
    expect(() => poolIdentity({ ...pool, ...options }, SOMEBODY)).toThrow(
      expect.objectContaining({ code: "CONFIG", hint: expect.stringContaining("start Holdfast as root") }),
    );
  });

  it("is refused when there is no such user or group, naming the option", () => {
    expect(() => poolIdentity({ ...pool, user: "nobody-of-that-name" }, ROOT)).toThrow(
      'pools.www.user: there is no user "nobody-of-that-name"',
    );
    expect(() => groupId("no-such-group", "listen_group")).toThrow('listen_group: there is no group "no-such-group"');
    expect(() => userId("--help", "listen_owner")).toThrow('there is no user "--help"');
  });

  it("is switched by setpriv, before Node begins, without any privilege left", () => {
    const identity = { uid: 33, gid: 34, groups: undefined, name: "www-data", home: undefined };
    expect(asIdentity(identity, ["node", "main.js"]).join(" ")).toBe(
      "/usr/bin/setpriv --reuid=33 --regid=34 --init-groups --no-new-privs --inh-caps=-all --bounding-set=-all -- node main.js",
    );
  });

  it.each([
    ["those that are listed", [33, 34], "--groups=33,34"],
    ["none", [], "--clear-groups"],
  ])("gets by setpriv the supplementary groups: %s", (_, groups, option) => {
    const command = asIdentity({ uid: 7, gid: 7, groups, name: "www-data", home: undefined }, []);
    expect(command).toContain(option);
    expect(command).not.toContain("--init-groups");
  });

  it("has no supplementary groups when the user database does not know it", () => {
    expect(poolIdentity({ ...pool, user: "54321" }, ROOT)).toMatchObject({ groups: [] });
  });
});

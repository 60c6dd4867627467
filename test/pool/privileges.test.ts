import { Fault } from "../../src/base/fault.ts";
import { differences, verifyPrivileges } from "../../src/pool/privileges.ts";

const CONFINED = `Name:	node
Umask:	0027
Uid:	61001	61001	61001	61001
Gid:	61002	61002	61002	61002
Groups:	4 61002 
NoNewPrivs:	1
CapInh:	0000000000000000
CapPrm:	0000000000000000
CapEff:	0000000000000000
CapBnd:	0000000000000000
CapAmb:	0000000000000000
Seccomp:	0
`;
const WANTED = { uid: 61_001, gid: 61_002, groups: [61_002, 4], rootGroup: false };

describe("a thread's status", () => {
  it("is right when every id is the wanted one and no privilege is left", () => {
    expect(differences(CONFINED, WANTED)).toEqual([]);
    expect(differences(CONFINED.replace("4 61002 ", " "), { ...WANTED, groups: [] })).toEqual([]);
  });

  it.each([
    ["one of the four user ids", "61001	61001	61001	61001", "61001	61001	0	61001", "Uid is 61001 61001 0 61001"],
    ["a group id", "61002	61002	61002	61002", "61002	61002	61002	0", "Gid is 61002 61002 61002 0"],
    ["a group too many", "4 61002 ", "4 27 61002 ", "Groups is 4 27 61002"],
    ["a group too few", "4 61002 ", "61002 ", "Groups is 61002"],
    ["new privileges", "NoNewPrivs:	1", "NoNewPrivs:	0", "NoNewPrivs is 0"],
    ["an effective capability", "CapEff:	0000000000000000", "CapEff:	0000000000000040", "CapEff is 0000000000000040"],
    ["a bounding set", "CapBnd:	0000000000000000", "CapBnd:	000001ffffffffff", "CapBnd is 000001ffffffffff"],
    ["a field that the kernel does not tell", "NoNewPrivs:	1\n", "", "NoNewPrivs is empty"],
  ])("is wrong with %s", (_, right, wrong, difference) => {
    expect(differences(CONFINED.replace(right, wrong), WANTED)).toEqual([difference]);
  });

  it("may have the groups of the user database, but root's only where that is allowed", () => {
    const { groups, ...wanted } = WANTED;
    const inRootGroup = CONFINED.replace("4 61002 ", "0 4 ");
    expect(groups).toHaveLength(2);
    expect(differences(CONFINED, wanted)).toEqual([]);
    expect(differences(inRootGroup, wanted)).toEqual(["Groups is 0 4"]);
    expect(differences(inRootGroup, { ...wanted, rootGroup: true })).toEqual([]);
  });
});

it("a process that did not become who it was to become refuses to load the app", () => {
  const somebodyElse = { ...WANTED, uid: (process.getuid?.() ?? 0) + 1 };
  expect(() => verifyPrivileges(somebodyElse)).toThrow(Fault);
  expect(() => verifyPrivileges(somebodyElse)).toThrow(/not confined to its user: Uid is/);
});

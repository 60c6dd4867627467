// Whether this process became who it was to become. setpriv(1) switched user, groups and capabilities
// before Node began; this looks at the result, thread by thread, before any code of the app is loaded.

import { readdirSync, readFileSync } from "node:fs";
import { Fault, messageOf } from "../base/fault.ts";
import type { PoolUser } from "../messages/lifecycle.ts";

/** Real, effective, saved and file system id [proc(5)]. */
const IDS = 4;
/** Inheritable, permitted, effective, bounding and ambient set. */
const CAPABILITIES = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];

/** Throws BOOT when any thread of this process has another user, another group or a privilege left. */
export function verifyPrivileges(wanted: PoolUser): void {
  const wrong = readThreads().flatMap((status) => differences(status, wanted));
  const [first] = wrong;
  if (first === undefined) return;
  throw new Fault("BOOT", `the process is not confined to its user: ${first}`, {
    hint: "nothing of the app was loaded; the supervisor needs CAP_SETUID, CAP_SETGID and CAP_SETPCAP for setpriv",
  });
}

function readThreads(): readonly string[] {
  try {
    return readdirSync("/proc/self/task").map((thread) => readFileSync(`/proc/self/task/${thread}/status`, "utf8"));
  } catch (cause) {
    throw new Fault("BOOT", `the process cannot see who it runs as: ${messageOf(cause)}`, {
      hint: "/proc must be mounted where pools run as other users",
      cause,
    });
  }
}

/** What `status`, a thread's file in /proc, says that is not `wanted`. Pure. */
export function differences(status: string, wanted: PoolUser): readonly string[] {
  const values = (name: string): readonly string[] =>
    new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1]?.split(/\s+/).filter(Boolean) ?? [];
  const found: string[] = [];
  const expect = (name: string, right: (values: readonly string[]) => boolean): void => {
    if (!right(values(name))) found.push(`${name} is ${values(name).join(" ") || "empty"}`);
  };
  const all = (value: string, count: number) => (given: readonly string[]) =>
    given.length === count && given.every((one) => one === value);
  expect("Uid", all(String(wanted.uid), IDS));
  expect("Gid", all(String(wanted.gid), IDS));
  expect("Groups", (given) =>
    wanted.groups === undefined
      ? wanted.rootGroup || !given.includes("0")
      : sorted(given.map(Number)) === sorted([...new Set(wanted.groups)]),
  );
  expect("NoNewPrivs", all("1", 1));
  for (const set of CAPABILITIES) expect(set, ([value = "-", ...rest]) => /^0+$/.test(value) && rest.length === 0);
  return found;
}

const sorted = (ids: readonly number[]): string => ids.toSorted((a, b) => a - b).join(" ");

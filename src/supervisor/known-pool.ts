// The one answer to a name that no pool has. Pure.

import { Fault } from "../base/fault.ts";
import { nearest } from "../config/nearest.ts";

/** Throws USAGE, with the name that was probably meant. */
export function mustBeKnown(name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  const meant = nearest(name, names);
  throw new Fault("USAGE", `there is no pool ${JSON.stringify(name)}`, {
    hint: meant === undefined ? `pools: ${names.join(", ")}` : `did you mean ${meant}?`,
  });
}

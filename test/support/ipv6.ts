// A container often has no IPv6: what needs it is skipped there.

import { networkInterfaces } from "node:os";

const has = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === "IPv6"));

/** `it`, or a skip where this machine has no address of IPv6. */
export const itWithIpv6: typeof it = has ? it : it.skip;

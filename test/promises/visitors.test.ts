// What belongs to one visitor is never another's: the short form.

import { nobodySeesAnother } from "../contracts/visitors.ts";

describe("state", () => {
  nobodySeesAnother(20_000, 120_000, () => {});
});

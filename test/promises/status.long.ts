// The long form of what status.test.ts says of counters.

import { countsAsItsClients } from "../contracts/status-counts.ts";

describe("the status", () => {
  countsAsItsClients(100_000);
});

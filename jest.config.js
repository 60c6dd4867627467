// Tests run on what tsc built: the same JavaScript that ships, and worker threads and child
// processes started by a test load it too. See docs/decisions/0004-jest.md.

import { availableParallelism } from "node:os";

// What this machine says about certificates is not what is tested, and Node reads them on a thread of its own at
// each start, which now and then ends or stops a busy process (nodejs/node#59632). The long suites install packages.
if (!process.argv.some((argument) => argument.includes(".long"))) delete process.env.NODE_EXTRA_CA_CERTS;

// Files that a test makes are read by other users too, as whom pools and Apache run.
process.umask(0o022);

export default {
  rootDir: "dist/test",
  testMatch: ["**/*.test.js"],
  transform: {},
  moduleNameMapper: { "^(?:node:)?sqlite$": "<rootDir>/support/sqlite.js" },
  setupFilesAfterEnv: ["<rootDir>/support/retry.js"],
  testTimeout: 40_000,
  // Jest leaves one core to itself, which on two would mean one suite at a time; but suites mostly wait for processes.
  maxWorkers: Math.max(2, availableParallelism() - 1),
};

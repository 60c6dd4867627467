// Suites with real processes share the machine with whatever else runs on it: a test of theirs that fails is tried
// once more, and what failed first is printed. Everything else has to pass at once.

import { jest } from "@jest/globals";

const WITH_PROCESSES = /\/dist\/test\/(?:promises|apache|cli|examples|front|packages)\//;

if (WITH_PROCESSES.test(expect.getState().testPath ?? "")) {
  jest.retryTimes(1, { logErrorsBeforeRetry: true, retryImmediately: true });
}

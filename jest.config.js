// Tests run on what tsc built: the same JavaScript that ships, and worker threads and child
// processes started by a test load it too. See docs/decisions/0004-jest.md.
export default {
  rootDir: "dist/test",
  testMatch: ["**/*.test.js"],
  transform: {},
  moduleNameMapper: { "^(?:node:)?sqlite$": "<rootDir>/support/sqlite.js" },
  testTimeout: 20_000,
};

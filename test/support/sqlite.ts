// Stands for node:sqlite in tests (jest.config.js): Jest finds built-in modules in a list, and on
// Node 22 that list leaves out those that have a name with the prefix only.

export const { DatabaseSync } = process.getBuiltinModule("node:sqlite");

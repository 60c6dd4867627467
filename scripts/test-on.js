// Runs the suites on the Node that runs this file: `npm run test:node22`.

import { spawnSync } from "node:child_process";

console.log(`Node ${process.version}`);
const jest = ["node_modules/jest/bin/jest.js", ...process.argv.slice(2)];
const flags = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];
process.exitCode = spawnSync(process.execPath, [...flags, ...jest], { stdio: "inherit" }).status ?? 1;

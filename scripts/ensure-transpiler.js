// npm leaves out the native part of oxc-transform, without a word, when it itself runs on a Node that
// the package does not name (Debian 12 has 18). npm scripts run on the pinned Node, so it is added here.

import { execFileSync } from "node:child_process";

const DEADLINE_MS = 300_000;

try {
  await import("oxc-transform");
} catch {
  console.log("adding the native part of oxc-transform, which npm left out…");
  // Found in PATH like every program of an npm script, so this npm runs on the pinned Node.
  execFileSync(
    "npm",
    ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--no-progress", "--loglevel=error"],
    {
      stdio: ["ignore", "ignore", "inherit"],
      timeout: DEADLINE_MS,
      env: { ...process.env, NODE_NO_WARNINGS: "1" },
    },
  );
}

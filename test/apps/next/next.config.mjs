import { dirname } from "node:path";

// The packages are one folder up.
const root = dirname(import.meta.dirname);

export default { output: "standalone", outputFileTracingRoot: root, turbopack: { root } };

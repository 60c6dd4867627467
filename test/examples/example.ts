import { fileURLToPath } from "node:url";

/** The folder of one example, seen from dist/test/examples. */
export function example(name: string): string {
  return fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
}

// Transpiled code with `emitDecoratorMetadata` calls this. Without the reflect-metadata package the
// metadata goes nowhere, as with TypeScript's own helper.

interface ReflectMetadata {
  metadata?(key: string, value: unknown): (target: unknown, property?: PropertyKey) => void;
}

export default function decorateMetadata(
  key: string,
  value: unknown,
): ((target: unknown, property?: PropertyKey) => void) | (() => void) {
  return (Reflect as ReflectMetadata).metadata?.(key, value) ?? (() => {});
}

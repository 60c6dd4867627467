// Transpiled code with `experimentalDecorators` calls this; the shape of the call is the
// transpiler's, the order of application TypeScript's: last decorator first.

type Decorator = (target: unknown, key?: PropertyKey, descriptor?: unknown) => unknown;

/**
 * `decorate(list, Class)` returns the class or its replacement; `decorate(list, prototype, key, null)`
 * decorates a method or accessor, and with `undefined` in the fourth place a field.
 */
export default function decorate(
  decorators: readonly Decorator[],
  target: object,
  key?: PropertyKey,
  descriptor?: PropertyDescriptor | null,
): unknown {
  if (key === undefined) {
    return decorators.reduceRight<unknown>((result, apply) => apply(result) ?? result, target);
  }
  const own = descriptor === null ? Object.getOwnPropertyDescriptor(target, key) : descriptor;
  const result = decorators.reduceRight<unknown>((now, apply) => apply(target, key, now) ?? now, own);
  if (result !== undefined && result !== null) Object.defineProperty(target, key, result as PropertyDescriptor);
  return result;
}

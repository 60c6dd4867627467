// Node's own Request, Response and fetch, kept before lighter ones take their global names, and the
// means to stand in for them: an object whose rare properties come from a native one made on demand.

export const NativeRequest = globalThis.Request;
export const NativeResponse = globalThis.Response;
export const nativeFetch = globalThis.fetch;

type Getter = (this: object) => unknown;

/**
 * Puts `prototype` under the native one, so that `instanceof` holds on both sides, and gives it every
 * property of the native prototype that it lacks, read from what `toNative` returns. So a property
 * that a later Node adds works without a change here.
 */
export function standInFor<Stand extends object>(
  prototype: Stand,
  native: { readonly prototype: object },
  toNative: (stand: Stand) => object,
): void {
  Object.setPrototypeOf(prototype, native.prototype);
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(native.prototype))) {
    if (Object.hasOwn(prototype, name)) continue;
    Object.defineProperty(prototype, name, delegate(name, descriptor, toNative as (stand: object) => object));
  }
}

function delegate(
  name: string,
  descriptor: PropertyDescriptor,
  toNative: (stand: object) => object,
): PropertyDescriptor {
  const { configurable = true, enumerable = true } = descriptor;
  if (typeof descriptor.value === "function") {
    const value = function (this: object, ...args: unknown[]): unknown {
      const native = toNative(this);
      return (Reflect.get(native, name) as (...args: unknown[]) => unknown).apply(native, args);
    };
    return { configurable, enumerable, writable: true, value };
  }
  const get: Getter = function () {
    return Reflect.get(toNative(this), name);
  };
  return { configurable, enumerable, get };
}

/** How `console.log` and error messages show an object; a native one's own would look for private fields. */
export const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** Replaces a global as Node defines its own: writable, configurable, not enumerable. */
export function setGlobal(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

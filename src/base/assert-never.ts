/** The end of a `switch` over a closed set: adding a member makes the compiler point here. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected ${JSON.stringify(value)}`);
}

// Transpiled code with `experimentalDecorators` calls this for a decorator on a parameter.

export default function decorateParam(
  index: number,
  decorator: (target: unknown, key: PropertyKey | undefined, index: number) => void,
): (target: unknown, key?: PropertyKey) => void {
  return (target, key) => decorator(target, key, index);
}

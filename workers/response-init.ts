// What a Response is made with [Fetch §5.5]: status, status text and headers, judged as far as a Response of a
// worker does it at once.

type HeaderPair = [name: string, value: string];
export type HeaderPairs = readonly (readonly [name: string, value: string])[];
export type HeadersInit = NonNullable<ResponseInit["headers"]>;

export const NO_INIT: ResponseInit = {};

export function initOf(init: ResponseInit | undefined): ResponseInit {
  // Not a spread: `init` may be a Response, whose properties lie on its prototype.
  const { status = 200, statusText = "" } = init ?? NO_INIT;
  return { status, statusText };
}

/** A copy, so that what the handler does with its object later changes nothing. */
export function toPairs(headers: HeadersInit): HeaderPairs {
  if (typeof headers !== "object" || headers === null)
    throw new TypeError("headers must be an object or a list of pairs");
  if (Symbol.iterator in headers) {
    return Array.from(headers as Iterable<readonly string[]>, (pair) => {
      const [name, value, ...more] = pair;
      if (name === undefined || value === undefined || more.length > 0) {
        throw new TypeError("a header is a pair of a name and a value");
      }
      return [String(name), String(value)] as const;
    });
  }
  const pairs: HeaderPair[] = [];
  for (const name of Object.keys(headers)) pairs.push([name, String((headers as Record<string, unknown>)[name])]);
  return pairs;
}

export function has(pairs: HeaderPairs, lowerCaseName: string): boolean {
  for (const [name] of pairs) {
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) return true;
  }
  return false;
}

export function toStatus(value: unknown): number {
  const status = Math.trunc(Number(value));
  if (status >= 200 && status <= 599) return status;
  throw new RangeError(`the status of a Response is from 200 to 599, not ${String(value)}`);
}

/** It never reaches the wire: reason phrases are the web server's. */
export function toStatusText(value: unknown): string {
  const text = String(value);
  if (/[^\t\x20-\x7e\x80-\xff]/.test(text))
    throw new TypeError("statusText holds a character that no status line can carry");
  return text;
}

export function isNullBodyStatus(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

// Source maps [ECMA-426]: the mappings between generated code and the files it was made of, and one map seen
// through another.

/**
 * Column of the generated line, source, its line, its column; all from 0. `verbatim`: the columns that follow
 * are those of the source, too; else they are all that one place.
 */
export type Segment = readonly [column: number, source: number, line: number, sourceColumn: number, verbatim?: boolean];

/** Segments by generated line, in the order of their columns. */
export type Mappings = readonly (readonly Segment[])[];

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));

export function encodeMappings(mappings: Mappings): string {
  let [source, line, column] = [0, 0, 0];
  return mappings
    .map((segments) => {
      let generated = 0;
      return segments
        .map(([at, ...to]) => {
          const text = digits(at - generated) + digits(to[0] - source) + digits(to[1] - line) + digits(to[2] - column);
          generated = at;
          [source, line, column] = [to[0], to[1], to[2]];
          return text;
        })
        .join(",");
    })
    .join(";");
}

/** Without the segments that lead nowhere, and without names. */
export function decodeMappings(text: string): Mappings {
  let [source, line, column] = [0, 0, 0];
  return text.split(";").map((written) => {
    let generated = 0;
    return written.split(",").flatMap((segment): Segment[] => {
      const [at, toSource, toLine, toColumn] = numbers(segment);
      generated += at ?? 0;
      if (toSource === undefined || toLine === undefined || toColumn === undefined) return [];
      source += toSource;
      line += toLine;
      column += toColumn;
      return [[generated, source, line, column]];
    });
  });
}

/** Where the generated place comes from: the last segment of its line that begins at or before it. */
export function originOf(mappings: Mappings, line: number, column: number): Segment | undefined {
  const segments = mappings[line] ?? [];
  let low = 0;
  let high = segments.length;
  // To the first that begins behind it.
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle] as Segment)[0] <= column) low = middle + 1;
    else high = middle;
  }
  const segment = segments[low - 1];
  if (segment?.[4] !== true) return segment;
  const [at, source, toLine, toColumn] = segment;
  return [column, source, toLine, toColumn + column - at, true];
}

function digits(number: number): string {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1;
  let text = "";
  do {
    const digit = rest & 31;
    rest >>>= 5;
    text += DIGITS[rest > 0 ? digit | 32 : digit];
  } while (rest > 0);
  return text;
}

function numbers(text: string): number[] {
  const found: number[] = [];
  let value = 0;
  let shift = 0;
  for (const char of text) {
    const digit = VALUES.get(char) ?? 0;
    value += (digit & 31) << shift;
    shift += 5;
    if ((digit & 32) !== 0) continue;
    found.push((value & 1) === 1 ? -(value >>> 1) : value >>> 1);
    value = 0;
    shift = 0;
  }
  return found;
}

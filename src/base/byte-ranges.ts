// Parts of something that has a length in bytes [RFC 9110 §14], and how several travel together. Pure.

export interface ByteRange {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

/** More in one request are asked for by nobody but those who want to cost us work [RFC 9110 §17.15]. */
const RANGES = 32;

/**
 * What a Range asks for of `size` bytes, in its order, without what lies beyond the end. "unsatisfiable": a 416.
 * Undefined: no Range of bytes, or one that asks for more than there is (overlaps, 33 parts): the whole is sent.
 */
export function parseRanges(range: string, size: number): readonly ByteRange[] | "unsatisfiable" | undefined {
  const match = /^bytes=(.*)$/i.exec(range);
  if (match === null) return undefined;
  const specs = (match[1] ?? "").split(",");
  if (specs.length > RANGES) return undefined;
  const ranges: ByteRange[] = [];
  let bytes = 0;
  for (const spec of specs) {
    const one = parseSpec(spec, size);
    if (one === "invalid") return undefined;
    if (one === undefined) continue;
    ranges.push(one);
    bytes += one.last - one.first + 1;
  }
  if (ranges.length === 0) return "unsatisfiable";
  return ranges.length > 1 && bytes > size ? undefined : ranges;
}

/** Undefined: beyond the end. */
function parseSpec(spec: string, size: number): ByteRange | "invalid" | undefined {
  const match = /^[ \t]*(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))[ \t]*$/.exec(spec);
  if (match === null) return "invalid";
  const [, from, to, suffix] = match;
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? undefined : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) return "invalid";
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  return first >= size ? undefined : { first, last };
}

export function contentRange({ first, last }: ByteRange, size: number): string {
  return `bytes ${first}-${last}/${size}`;
}

/** Text of ours, and ranges of the content, in the order in which they are sent. */
export interface MultipartRanges {
  readonly contentType: string;
  readonly length: number;
  readonly pieces: readonly (string | ByteRange)[];
}

/** [RFC 9110 §14.6] `boundary` must not occur in the content: a random one does not. */
export function multipartRanges(
  ranges: readonly ByteRange[],
  { size, type, boundary }: { readonly size: number; readonly type: string; readonly boundary: string },
): MultipartRanges {
  const pieces: (string | ByteRange)[] = [];
  for (const range of ranges) {
    pieces.push(
      `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
      range,
    );
  }
  pieces.push(`\r\n--${boundary}--\r\n`);
  const lengths = pieces.map((piece) => (typeof piece === "string" ? piece.length : piece.last - piece.first + 1));
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    length: lengths.reduce((sum, length) => sum + length, 0),
    pieces,
  };
}

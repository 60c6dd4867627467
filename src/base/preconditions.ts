// Whether a request is to be carried out at all, by the conditions that it brings [RFC 9110 §13]. Pure;
// header values in, a verdict out.

/** The request's conditions, as header values. */
export interface Preconditions {
  readonly ifMatch: string | undefined;
  readonly ifUnmodifiedSince: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
}

/** What is there now, as header values. */
export interface Validators {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

export type Verdict = "proceed" | "not-modified" | "failed";

/**
 * For GET and HEAD of what exists [RFC 9110 §13.2.2]. "not-modified" is a 304, "failed" a 412. A date that is none is no
 * condition.
 */
export function judgePreconditions(conditions: Preconditions, now: Validators): Verdict {
  const { ifMatch, ifUnmodifiedSince } = conditions;
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, now.etag, isSame)) return "failed";
  } else if (ifUnmodifiedSince !== undefined && isLater(now.lastModified, ifUnmodifiedSince)) {
    return "failed";
  }
  return isNotModified(conditions, now) ? "not-modified" : "proceed";
}

/** True: answer 304 instead of 200. If-None-Match, when there is one, decides alone [RFC 9110 §13.2.2]. */
export function isNotModified(
  { ifNoneMatch, ifModifiedSince }: Pick<Preconditions, "ifNoneMatch" | "ifModifiedSince">,
  { etag, lastModified }: Validators,
): boolean {
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, etag, isAlike);
  if (ifModifiedSince === undefined || lastModified === undefined) return false;
  const [since, modified] = [Date.parse(ifModifiedSince), Date.parse(lastModified)];
  return Number.isFinite(since) && Number.isFinite(modified) && modified <= since;
}

/** Whether a Range is meant for this very version [RFC 9110 §13.1.5]; it is without If-Range. */
export function isRangeWanted(ifRange: string | undefined, { etag, lastModified }: Validators): boolean {
  if (ifRange === undefined) return true;
  const wanted = ifRange.trim();
  if (/^(?:W\/)?"/.test(wanted)) return etag !== undefined && isSame(wanted, etag);
  const date = Date.parse(wanted);
  return lastModified !== undefined && Number.isFinite(date) && date === Date.parse(lastModified);
}

function matches(list: string, etag: string | undefined, equal: (one: string, other: string) => boolean): boolean {
  if (etag === undefined) return false;
  if (list.trim() === "*") return true;
  return (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some((one) => equal(one, etag));
}

/** Strong comparison [RFC 9110 §8.8.3.2]. */
function isSame(one: string, other: string): boolean {
  return one === other && !one.startsWith("W/");
}

/** Weak comparison, also of what mod_deflate and mod_brotli have made of our tag: "x" is sent as "x-gzip". */
function isAlike(one: string, other: string): boolean {
  const opaque = one.replace(/^W\//, "");
  const own = other.replace(/^W\//, "");
  return opaque === own || opaque.replace(/-(?:gzip|br)"$/, '"') === own;
}

function isLater(date: string | undefined, than: string): boolean {
  const [one, other] = [Date.parse(date ?? ""), Date.parse(than)];
  return Number.isFinite(one) && Number.isFinite(other) && one > other;
}

/** Headers that a 304 keeps [RFC 9110 §15.4.5]; those of the body go. */
export function keptBy304(name: string): boolean {
  return !/^content-(?!location$)/i.test(name);
}

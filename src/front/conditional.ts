// Whether a client's copy is still good [RFC 9110 §13]. Apache answers this by itself for what a pool
// replies without a Status; this is the same for the built-in front. Pure.

/** The client's conditions and the reply's validators, as header values. */
export interface Validation {
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

/** True: answer 304 instead of 200. If-None-Match, when there is one, decides alone [RFC 9110 §13.2.2]. */
export function isNotModified({ ifNoneMatch, ifModifiedSince, etag, lastModified }: Validation): boolean {
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === "*") return etag !== undefined;
    return etag !== undefined && listed(ifNoneMatch).includes(opaque(etag));
  }
  if (ifModifiedSince === undefined || lastModified === undefined) return false;
  const [since, modified] = [Date.parse(ifModifiedSince), Date.parse(lastModified)];
  return Number.isFinite(since) && Number.isFinite(modified) && modified <= since;
}

/** Headers that a 304 keeps [RFC 9110 §15.4.5]; those of the body go. */
export function keptBy304(name: string): boolean {
  return !/^content-(?!location$)/i.test(name);
}

function listed(ifNoneMatch: string): string[] {
  return ifNoneMatch.match(/(?:W\/)?"[^"]*"/g)?.map(opaque) ?? [];
}

/** If-None-Match compares weakly: W/"a" and "a" are the same. */
function opaque(tag: string): string {
  return tag.trim().replace(/^W\//, "");
}

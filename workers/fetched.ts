// A Response that `fetch` brought and a handler passes on: its body has been decoded on the way, and
// its headers still describe the encoded one [Fetch §4.7, HTTP-network fetch].

type HeaderPairs = readonly (readonly [name: string, value: string])[];

const NODE_MAJOR = Number(process.versions.node.split(".")[0]);
/** What Node's fetch decodes; zstd since 24. It decodes all of a list or nothing. */
const DECODED = new Set(["gzip", "x-gzip", "deflate", "br", ...(NODE_MAJOR >= 24 ? ["zstd"] : [])]);

/** The headers that are true of the body as it is now. */
export function headersOfFetched(response: Response): HeaderPairs {
  const headers = [...response.headers];
  if (response.url === "" || response.body === null) return headers;
  const codings = response.headers.get("content-encoding")?.toLowerCase().split(",");
  if (codings === undefined || !codings.every((coding) => DECODED.has(coding.trim()))) return headers;
  return headers.filter(([name]) => name !== "content-encoding" && name !== "content-length");
}

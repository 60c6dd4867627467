// How a reply suggests a name for the file that it is [RFC 6266]. Pure.

/** Not so in `filename*` [RFC 8187 §3.2.1], though encodeURIComponent leaves them. */
const NOT_ATTR_CHAR = /['()*]/g;

/**
 * `attachment` with this name: in ASCII for old clients, in full as `filename*` where ASCII is not enough. Folders
 * and control characters are left out; "" gives no name at all.
 */
export function attachment(name: string): string {
  const base = name
    .slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1)
    .replace(/\p{Cc}/gu, "")
    .toWellFormed();
  if (base === "") return "attachment";
  // Some clients decode percent signs in `filename`.
  const plain = base.replace(/[^\x20-\x7e]/gu, "_").replaceAll("%", "_");
  const quoted = `attachment; filename="${plain.replace(/["\\]/g, "\\$&")}"`;
  return plain === base ? quoted : `${quoted}; filename*=UTF-8''${extended(base)}`;
}

function extended(text: string): string {
  return encodeURIComponent(text).replace(NOT_ATTR_CHAR, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

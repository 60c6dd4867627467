// The name that a client gives to a file: text to show, never a path.

/** Longest name that usual file systems take, bytes (NAME_MAX). */
const NAME_BYTES = 255;

/**
 * The last part of it, whatever the client's system separates paths with, without control characters and
 * what turns the direction of text around; "" where nothing is left. At most 255 bytes, its extension kept.
 */
export function safeFilename(given: string): string {
  const last = given.slice(Math.max(given.lastIndexOf("/"), given.lastIndexOf("\\")) + 1);
  const name = last.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "").trim();
  return name === "." || name === ".." ? "" : shortened(name);
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES) return name;
  const extension = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? "";
  const room = NAME_BYTES - extension.length;
  const cut = Buffer.from(name.slice(0, name.length - extension.length)).subarray(0, room);
  // A character may have been cut in two.
  return cut.toString("utf8").replace(/\ufffd+$/, "") + extension;
}

/** Browsers write quotes and line breaks in names so [HTML §4.10.21.8, multipart/form-data]. */
export function unescapeName(name: string): string {
  return name.replace(/%(0[Aa]|0[Dd]|22)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

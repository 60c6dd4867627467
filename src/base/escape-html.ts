// Text → the same text in HTML and XML: between tags, and in attributes with either kind of quotes.

const SPECIAL = /["&'<>`\0]/;
/** By character code. The grave accent ends an attribute in no browser that is still in use; it costs nothing. */
const ENTITIES: readonly (string | undefined)[] = Object.assign(new Array<string | undefined>(128), {
  0: "\ufffd",
  34: "&#34;",
  38: "&amp;",
  39: "&#39;",
  60: "&lt;",
  62: "&gt;",
  96: "&#96;",
});

export function escapeHtml(text: string): string {
  const first = SPECIAL.exec(text)?.index;
  if (first === undefined) return text;
  let escaped = "";
  let from = 0;
  for (let at = first; at < text.length; at += 1) {
    const entity = ENTITIES[text.charCodeAt(at)];
    if (entity === undefined) continue;
    escaped += text.slice(from, at) + entity;
    from = at + 1;
  }
  return escaped + text.slice(from);
}

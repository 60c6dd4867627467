// What browsers make of an attribute's value: text, an address, a script, a style. [HTML §3.2.6, §4]

export type AttributeKind = "text" | "url" | "script" | "style" | "html";

const URLS = new Set([
  "href",
  "src",
  "action",
  "formaction",
  "poster",
  "cite",
  "data",
  "background",
  "manifest",
  "icon",
  "longdesc",
  "profile",
  "usemap",
  "codebase",
  "classid",
  "archive",
  "dynsrc",
  "lowsrc",
]);

/** Event handlers, and the attributes that Alpine, Vue and htmx evaluate. */
const SCRIPT =
  /^(?:on|@|:|v-|x-(?:on|bind|data|init|show|if|text|html|effect|for|model|modelable|id|teleport)(?![a-z])|(?:data-)?hx-(?:on|vals|vars|headers))/;

/** Names in lower case. An animation may set any attribute to its values. [SVG 2, SVG Animations §2.5] */
export function attributeKind(tag: string, name: string): AttributeKind {
  if (SCRIPT.test(name)) return "script";
  const local = name.slice(name.lastIndexOf(":") + 1);
  if (URLS.has(local)) return "url";
  if (name === "style") return "style";
  if (name === "srcdoc") return "html";
  if (/^(?:set|animate\w*)$/.test(tag) && ["to", "from", "by", "values"].includes(name)) return "url";
  return "text";
}

/** Schemes that an address of a page may have when a value decides it. Others run code or carry documents. */
export const SAFE_SCHEMES: ReadonlySet<string> = new Set(["http", "https", "mailto", "tel", "sms", "ftp"]);

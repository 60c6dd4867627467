// What browsers make of an attribute's value: text, an address, a script, a style. [HTML §3.2.6, §4]

/** `urls`: one after the other, with semicolons; `refresh`: seconds, and an address. */
export type AttributeKind = "text" | "url" | "urls" | "refresh" | "script" | "style" | "closed";

const URLS = new Set([
  "href",
  "src",
  "action",
  "formaction",
  "poster",
  "cite",
  "ping",
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

/** What holds something that no escaping is known for. */
export const CLOSED: Readonly<Record<string, string>> = {
  srcdoc: "Its value is a document inside of an attribute.",
  _: "Its value is a program of hyperscript.",
};

/** What htmx asks for, and puts into the page. */
const FETCHED = /^(?:data-)?hx-(?:get|post|put|patch|delete)$/;

/** Event handlers, and the attributes that Alpine, Vue and htmx evaluate. */
const SCRIPT =
  /^(?:on|@|:|v-|x-(?:on|bind|data|init|show|if|text|html|effect|for|model|modelable|id|teleport)(?![a-z])|(?:data-)?hx-(?:on|vals|vars|headers|request|trigger))/;

/**
 * Names in lower case. An animation may set any attribute to its values [SVG 2, SVG Animations §2.5]. `says` is what
 * the tag has said of its value until then: a <meta> may refresh to another page as long as it has not.
 */
export function attributeKind(tag: string, name: string, says: string | undefined = ""): AttributeKind {
  if (SCRIPT.test(name)) return "script";
  const local = name.slice(name.lastIndexOf(":") + 1);
  if (URLS.has(local) || FETCHED.test(name)) return "url";
  if (name === "style") return "style";
  if (Object.hasOwn(CLOSED, name)) return "closed";
  if (/^(?:set|animate\w*)$/.test(tag) && ["to", "from", "by"].includes(name)) return "url";
  if (/^animate\w*$/.test(tag) && name === "values") return "urls";
  if (tag === "meta" && name === "content" && (!says || says.toLowerCase() === "refresh")) return "refresh";
  return "text";
}

/** What stands before the address of a refresh; no browser takes more than this for it. [HTML §4.2.5.3] */
export const BEFORE_ADDRESS = /^[\s\d.]*[;,]?\s*(?:url\s*=\s*)?["']?/i;

/** Schemes that an address of a page may have when a value decides it. Others run code or carry documents. */
export const SAFE_SCHEMES: ReadonlySet<string> = new Set(["http", "https", "mailto", "tel", "sms", "ftp"]);

// Values → text that stays what it is where it is put. Each function is for one context, which the compiler
// has found; what it returns cannot end that context, whatever the value holds.

import { escapeHtml as escapeText } from "../../base/escape-html.ts";
import { BEFORE_ADDRESS, SAFE_SCHEMES } from "../attributes.ts";

/** For text between tags, and for attributes in either kind of quotes. */
export function escapeHtml(value: unknown): string {
  return escapeText(textOf(value));
}

/** In `<!-- -->`: no dash, because two of them may end it. */
export function escapeComment(value: unknown): string {
  return escapeHtml(value).replaceAll("-", "&#45;");
}

/** What a refused address becomes: it leads nowhere. [CSS Values 4 §4.5.1] */
export const REFUSED_URL = "about:invalid#refused";
/** It has no colon, which would make a scheme of what stands before it. */
export const REFUSED_PART = "#refused";

/** An address that the value decides from its beginning: relative, or with a scheme that runs nothing. */
export function safeUrl(value: unknown): string {
  const text = textOf(value);
  return isSafe(text) ? text : REFUSED_URL;
}

/** A part of an address whose scheme may still come: it must not be the one that ends it. */
export function safeUrlPart(value: unknown): string {
  const text = textOf(value);
  return /^[^/?#\\]*:/.test(text) ? REFUSED_PART : text;
}

/** What follows the slash that an address begins with: `//name` would be another host. [URL §4.4, relative slash state] */
export function safeUrlPath(value: unknown): string {
  const text = textOf(value);
  return /^[\t\n\r]*[/\\]/.test(text) ? REFUSED_PART : text;
}

/** One or more of the addresses of an animation. */
export function safeUrlList(value: unknown): string {
  const text = textOf(value);
  return text.split(";").every(isSafe) ? text : REFUSED_PART;
}

/** Seconds, or a whole refresh. Where no number stands first it may be any text: browsers do nothing. [HTML §4.2.5.3] */
export function safeRefresh(value: unknown): string {
  const text = textOf(value);
  return /^\s*[^\s\d.;,]/.test(text) || isSafe(text.replace(BEFORE_ADDRESS, "")) ? text : REFUSED_PART;
}

function isSafe(url: string): boolean {
  const scheme = schemeOf(url);
  return scheme === undefined || SAFE_SCHEMES.has(scheme);
}

/** In lower case, as a browser reads it [URL §4.4: C0 controls and spaces around, tabs and newlines within]. */
function schemeOf(text: string): string | undefined {
  const read = text.replace(/[\t\n\r]/g, "").replace(/^[\0- ]+/, "");
  return /^([^/?#\\]*?):/.exec(read)?.[1]?.toLowerCase();
}

/** A JSON literal that is JavaScript too, and cannot end a <script>. */
export function jsonLiteral(value: unknown): string {
  refusePromise(value);
  const json: string | undefined = JSON.stringify(value);
  if (json === undefined) {
    if (value === undefined) return "null";
    throw new TypeError(`a ${typeof value} has no JSON form`);
  }
  const safe = json.replace(/[<>&\u2028\u2029]/g, unicodeEscape);
  // `a-<%= -1 %>` must not become `a--1`.
  return safe.startsWith("-") ? ` ${safe}` : safe;
}

/** The inside of a JavaScript or JSON string, in either kind of quotes. */
export function jsString(value: unknown): string {
  return textOf(value).replace(/[^\w ,.]/g, unicodeEscape);
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A value in a style: words, numbers, units, colours as they are; all else escaped into one name or string. */
export function styleValue(value: unknown): string {
  return textOf(value).replace(/[^\w #%,.-]/gu, (char) => `\\${(char.codePointAt(0) ?? 0).toString(16)} `);
}

/** The inside of the string in `url("…")`. */
export function styleUrl(value: unknown): string {
  return styleValue(safeUrl(value));
}

/** null and undefined are nothing. Throws for what would only print by mistake. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "";
  refusePromise(value);
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`a ${typeof value} cannot be printed; call it, or print one of its properties`);
  }
  const text = String(value);
  if (text === "[object Object]") {
    throw new TypeError("an object cannot be printed; print one of its properties, or JSON.stringify(…) of it");
  }
  return text;
}

function refusePromise(value: unknown): void {
  if (typeof value === "object" && value !== null && "then" in value && typeof value.then === "function") {
    throw new TypeError("a promise cannot be printed; write await before it");
  }
}

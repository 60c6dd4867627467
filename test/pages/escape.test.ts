// What escaping promises for every value, not only for those that somebody thought of.

import fc from "fast-check";
import {
  escapeComment,
  escapeHtml,
  jsonLiteral,
  jsString,
  REFUSED_PART,
  REFUSED_URL,
  safeRefresh,
  safeUrl,
  safeUrlList,
  safeUrlPart,
  styleUrl,
  styleValue,
} from "../../src/pages/runtime/escape.ts";
import { hostileTexts } from "../support/hostile.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom(..."<>&\"'`\\/:;=-!(){}[]*#%\n\r\t\0 ajsx\u2028".split("")) }),
  fc.constantFrom(...hostileTexts(50)),
);

/** As a browser reads references; only those that are written here. */
function unescaped(text: string): string {
  return text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

/** [HTML §4.2.5.3, shared declarative refresh steps] Empty where it leads nowhere, or to the site itself. */
function schemeOfRefresh(content: string): string {
  const found = /^[\t\n\f\r ]*(\d+|(?=\.))[\d.]*(?:[;,]|[\t\n\f\r ])[\t\n\f\r ]*[;,]?[\t\n\f\r ]*(.*)$/s.exec(content);
  if (found?.[2] === undefined) return "";
  const named = /^url[\t\n\f\r ]*=[\t\n\f\r ]*(.*)$/is.exec(found[2]);
  const quoted = /^(["'])([^"']*)/.exec(named?.[1] ?? found[2]);
  const url = quoted?.[2] ?? named?.[1] ?? found[2];
  const base = "http://site.test/";
  return URL.canParse(url, base) ? new URL(url, base).protocol : "";
}

describe("every text", () => {
  it("is itself in HTML, and can end neither text nor an attribute", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(escapeHtml(text)).not.toMatch(/[<>"'`\0]|&(?!#\d+;|lt;|gt;|amp;)/);
        expect(unescaped(escapeHtml(text))).toBe(text.replaceAll("\0", "\ufffd"));
      }),
    );
  });

  it("cannot end a comment", () => {
    fc.assert(fc.property(anyText, (text) => expect(escapeComment(text)).not.toMatch(/[-<>]/)));
  });

  it("is itself in a script, as a literal and in both kinds of strings, and cannot end the script", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const literal = jsonLiteral(text);
        const inside = jsString(text);
        expect(literal + inside).not.toMatch(/[<>&\u2028\u2029]/);
        expect(inside).not.toMatch(/["'`\n\r/]|\\(?!u[0-9a-f]{4})/);
        expect([JSON.parse(literal), new Function(`return ${literal}`)()]).toEqual([text, text]);
        expect([new Function(`return "${inside}"`)(), new Function(`return '${inside}'`)()]).toEqual([text, text]);
      }),
    );
  });

  it("with any JSON around it is itself in a script", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jsonLiteral(value)).not.toMatch(/[<>&\u2028\u2029]/);
        expect(JSON.parse(jsonLiteral(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("ends no declaration, string or style", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const css of [styleValue(text), styleUrl(text)]) {
          expect(css).not.toMatch(/[<>"'(){};:@/*\n\r\f]|\\(?![0-9a-f]{1,6} )/);
        }
        const read = styleValue(text).replace(/\\([0-9a-f]{1,6}) /g, (_, code: string) =>
          String.fromCodePoint(Number.parseInt(code, 16)),
        );
        expect(read).toBe(text);
      }),
    );
  });

  it("is an address whose scheme runs nothing, as the URL standard reads it", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const url = safeUrl(text);
        expect([text, REFUSED_URL]).toContain(url);
        const base = "http://site.test/";
        if (URL.canParse(url, base)) {
          expect(new URL(url, base).protocol).toMatch(/^(?:https?|mailto|tel|sms|ftp|about):$/);
        }
      }),
    );
  });

  it("is no refresh that runs anything, as the standard reads it, whatever follows it", () => {
    const part = fc.oneof(anyText, fc.constantFrom("0", " ", ";", ",", "url", "=", "'", "url=", "0;url=", "java"));
    fc.assert(
      fc.property(part, part, fc.constantFrom("", "script:", ":x", "javascript:x"), (one, other, end) => {
        const content = safeRefresh(one) + safeUrlPart(other + end);
        expect(schemeOfRefresh(content)).toMatch(/^(?:https?|mailto|tel|sms|ftp|about)?:?$/);
      }),
    );
  });

  it("is no address of an animation that runs anything", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anyText, fc.constant("javascript:1"))), (texts) => {
        const items = safeUrlList(texts.join(";")).split(";");
        for (const item of items) expect(safeUrl(item)).toBe(item);
      }),
    );
  });

  it("completes no scheme that stands before it, however it is cut into parts", () => {
    fc.assert(
      fc.property(anyText, fc.nat(20), (text, cut) => {
        const scheme = `javascript:${text}`;
        const parts = [scheme.slice(0, cut), scheme.slice(cut)];
        const whole = safeUrl(parts[0]) + safeUrlPart(parts[1]);
        const base = "http://site.test/";
        expect(URL.canParse(whole, base) ? new URL(whole, base).protocol : "").not.toBe("javascript:");
        expect([parts[1], REFUSED_PART]).toContain(safeUrlPart(parts[1]));
      }),
    );
  });
});

// The pages that the documents show are pages.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compileTexts } from "../support/pages.ts";

const GUIDE = fileURLToPath(new URL("../../../docs/guides/server-pages.md", import.meta.url));
const LAYOUT = '<title><%@ slot name="title" default="" %></title><%@ slot %>';

describe("the guide to server pages", () => {
  const shown = [...readFileSync(GUIDE, "utf8").matchAll(/^```html\n(.*?)^```/gms)].map(([, text = ""]) => text);

  it("shows some", () => {
    expect(shown.length).toBeGreaterThan(5);
  });

  it.each(shown)("%s", (text) => {
    const texts = text.includes("<%@ slot")
      ? { "page.tsp": '<%@ layout file="_layout.tsp" %>x', "_layout.tsp": text }
      : { "page.tsp": text, "_layout.tsp": LAYOUT };
    expect(compileTexts(texts).code).toContain("$define(");
  });
});

// The grammar of an Apache configuration file, as far as we write it: directives, sections and
// quoted arguments. Knows nothing of pools. Apache has no comments at the end of a line, continues
// a line that ends in a backslash and expands ${NAME}: what could be read as any of these is refused.

import { Fault } from "../base/fault.ts";

/** An argument in double quotes. Throws Fault CONFIG when Apache could not read `text` back as it is. */
export function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
  if (/[\u0000-\u001f\u007f"\\]|[$%]\{/.test(text)) {
    throw new Fault("CONFIG", `${JSON.stringify(text)} cannot be written in an Apache configuration`, {
      hint: "choose a path without quotes, backslashes, control characters, ${ and %{",
    });
  }
  return `"${text}"`;
}

/** A folder as `<Directory>` takes it; Apache reads `*`, `?` and `[` there as wildcards. */
export function quoteFolder(path: string): string {
  if (/[*?[\]]/.test(path)) {
    throw new Fault("CONFIG", `${JSON.stringify(path)} holds a wildcard of Apache's <Directory>`, {
      hint: "choose a path without * ? [ ]",
    });
  }
  return quote(path);
}

/** The text of a regular expression that matches exactly `text`. */
export function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, (char) => (char === "/" || char === "-" ? char : `\\${char}`));
}

/** `<name argument>` around its indented body. */
export function section(name: string, argument: string, ...body: readonly Lines[]): string[] {
  return [`<${name} ${argument}>`, ...flat(body).map((line) => (line === "" ? "" : `    ${line}`)), `</${name}>`];
}

export type Lines = string | readonly string[];

/** Comment lines, each of them beginning with `#`, whatever path is in them; Apache continues them, too, after a backslash. */
export function comment(...lines: readonly string[]): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
  return lines.map((line) => `# ${line}`.trimEnd().replace(/[\u0000-\u001f\u007f]|\\$/g, "?"));
}

export function render(...lines: readonly Lines[]): string {
  return `${flat(lines).join("\n")}\n`;
}

function flat(lines: readonly Lines[]): string[] {
  return lines.flat();
}

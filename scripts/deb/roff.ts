// The few macros of man(7) that the manual pages need, as functions of plain text. In what comes from
// tables, `code` is bold, as manual pages write what is to be typed.

/** Text of a paragraph: escaped, `code` in bold. */
export function prose(text: string): string {
  return guard(inlineMarkup(text));
}

/** A term and what it means: `.TP`. Markup: `code` is bold, _word_ is to be replaced. */
export function item(term: string, ...meaning: readonly string[]): string {
  return [".TP", prose(term), ...meaning.map(prose)].join("\n");
}

export const section = (title: string, ...parts: readonly string[]): string =>
  [`.SH ${escaped(title)}`, ...parts].join("\n");

export const subsection = (title: string, ...parts: readonly string[]): string =>
  [`.SS ${escaped(title)}`, ...parts].join("\n");

export const paragraph = (text: string): string => `.PP\n${prose(text)}`;

export interface Title {
  readonly name: string;
  readonly section: number;
  /** 2026-01-31 */
  readonly date: string;
  readonly source: string;
  readonly manual: string;
}

export function page({ name, section: number, date, source, manual }: Title, ...sections: readonly string[]): string {
  const head = `.TH ${name} ${number} ${date} "${escaped(source)}" "${escaped(manual)}"`;
  // No hyphenation and no justified lines: names of options must not be torn.
  return `${['.\\" Generated from the tables in the source.', head, ".nh", ".ad l", ...sections].join("\n")}\n`;
}

function inlineMarkup(text: string): string {
  return text
    .replace(/\[([^\]]+)\]\([^)]+\)/g, "$1")
    .split(/(`[^`]*`|(?<![\w/])_[^_]+_(?!\w))/)
    .map((part) => {
      if (/^`.*`$/.test(part)) return `\\fB${escaped(part.slice(1, -1))}\\fR`;
      if (/^_.+_$/.test(part)) return `\\fI${escaped(part.slice(1, -1))}\\fR`;
      return escaped(part);
    })
    .join("");
}

/** [groff_char(7)] a plain `-` would become a hyphen that cannot be pasted into a shell; so would quotes. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("`", "\\(ga");
}

/** A line that begins with a point would be a macro. */
function guard(line: string): string {
  return line.replace(/^(?=[.'])/gm, "\\&");
}

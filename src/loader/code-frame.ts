// A few lines of a source with a mark under one column, as compilers print them. Pure.

const LINES_BEFORE = 3;
const LINES_AFTER = 2;
/** Longer lines are cut, so that minified code cannot fill a page. */
const LINE_CHARS = 200;

export interface FrameLine {
  readonly number: number;
  readonly text: string;
  readonly marked: boolean;
}

/** The lines around `line` (from 1); empty if the source has no such line. */
export function frameLines(source: string, line: number): FrameLine[] {
  const lines = source.split(/\r\n|\n|\r/);
  if (line < 1 || line > lines.length) return [];
  const first = Math.max(1, line - LINES_BEFORE);
  return lines.slice(first - 1, line + LINES_AFTER).map((text, index) => ({
    number: first + index,
    text: text.length > LINE_CHARS ? `${text.slice(0, LINE_CHARS)}…` : text,
    marked: first + index === line,
  }));
}

/** `column` counts from 1, in UTF-16 units. */
export function codeFrame(source: string, line: number, column: number): string {
  const lines = frameLines(source, line);
  const width = String(lines.at(-1)?.number ?? 0).length;
  const rows = lines.flatMap(({ number, text, marked }) => {
    const row = `${marked ? ">" : " "} ${String(number).padStart(width)} | ${text}`;
    if (!marked || column < 1 || column > text.length + 1) return [row];
    // Tabs are kept in front of the mark, so that it stands under its column at any tab width.
    const indent = text.slice(0, column - 1).replace(/[^\t]/g, " ");
    return [row, `  ${" ".repeat(width)} | ${indent}^`];
  });
  return rows.join("\n");
}

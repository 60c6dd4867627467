// Links from a place in the source to the author's editor.

/** A place in a source file; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `template` with `{file}`, `{line}` and `{column}` filled in; the file's slashes stay as they are. */
export function editorLink(template: string, { file, line, column }: Place): string {
  const values: Readonly<Record<string, string>> = {
    file: file.split("/").map(encodeURIComponent).join("/"),
    line: String(line),
    column: String(column),
  };
  return template.replace(/\{(file|line|column)\}/g, (_, name: string) => values[name] ?? "");
}

// Lines of cells as text in columns.

/** The first `left` columns are words, the others numbers. */
export function aligned(lines: readonly (readonly string[])[], left: number): string[] {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length))) ?? [];
  return lines.map((line) =>
    line
      .map((cell, column) => (column < left ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** Skips a suite whose component is missing, by name: in its title, and in a line that is always shown. */
export function skip(title: string, reason: string, body: () => void): void {
  process.stderr.write(`skipped: ${title}: ${reason}\n`);
  describe.skip(`${title} (skipped: ${reason})`, body);
}

// Who runs the tests. What only root can do is defined only for root, so that nothing is reported as
// skipped that could not be; what root is never refused is tried by somebody else.

const isRoot = process.getuid?.() === 0;
/** "nobody", by the number that every Linux gives it. */
const NOBODY = "65534";

/** `it` for root; for others there is no such test. */
export function itAsRoot(title: string, test: () => unknown): void {
  if (isRoot) it(title, test as () => Promise<void>);
}

/** The command line that runs `argv` without root's rights. */
export function unprivileged(argv: readonly [string, ...string[]]): readonly [string, ...string[]] {
  return isRoot ? ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--", ...argv] : argv;
}

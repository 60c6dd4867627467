// The grammar of a unit file, as far as we write it [systemd.syntax(7)]: sections, settings and command
// lines. Knows nothing of pools. Specifiers (%n) and variables ($NAME) are never meant here.

import { Fault } from "../base/fault.ts";

export type Setting = readonly [name: string, value: string] | string;

/** A section; a setting that is only text is a comment, and an empty one a blank line. */
export function unitSection(name: string, settings: readonly Setting[]): string {
  const lines = settings.map((setting) => {
    if (typeof setting !== "string") return `${setting[0]}=${setting[1]}`;
    return setting === "" ? "" : `# ${setting}`;
  });
  return [`[${name}]`, ...lines].join("\n");
}

/** A value that is taken up to the end of its line, such as a path. Throws Fault CONFIG for what cannot be. */
export function literalValue(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
  if (/[\u0000-\u001f\u007f]|^\s|\s$|\\$/.test(text)) {
    throw new Fault("CONFIG", `${JSON.stringify(text)} cannot be written in a unit file`, {
      hint: "choose a path without control characters, blanks at its ends, and a backslash at its end",
    });
  }
  return text.replaceAll("%", "%%");
}

/** The value of ExecStart= and the like [systemd.service(5), COMMAND LINES]. */
export function commandLine(argv: readonly string[]): string {
  return argv.map(argument).join(" ");
}

const argument = (text: string): string => word(literalValue(text).replaceAll("$", "$$$$"));

/** A folder in a list of paths such as ReadWritePaths=; one that is not there is left out. */
export const optionalPath = (path: string): string => word(`-${literalValue(path)}`);

function word(value: string): string {
  if (/^[A-Za-z0-9_/.:=@+,%$-]+$/.test(value)) return value;
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** A time span in whole seconds, rounded up. */
export function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)}s`;
}

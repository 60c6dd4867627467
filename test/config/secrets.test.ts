// Secrets in a configuration: where they come from, what is refused, and that nothing shows them.

import { chmodSync } from "node:fs";
import { Fault } from "../../src/base/fault.ts";
import { type Loaded, loadConfig } from "../../src/config/load.ts";
import { renderToml, writeConfig } from "../../src/config/render.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

const tempDir = tempDirs();
let dir: TempDir;
beforeEach(() => {
  dir = tempDir();
  dir.write("app.ts", "export default () => new Response()");
});

const load = (secrets: string, mode = 0o640): Loaded => {
  const toml = `[pools.www]\nlisten = "./www.sock"\napp = "app.ts"\n[pools.www.cookies]\nsecrets = ${secrets}\n`;
  const file = dir.write("holdfast.toml", toml);
  chmodSync(file, mode);
  return loadConfig(file);
};

function mistakeOf(secrets: string): string {
  try {
    load(secrets);
  } catch (error) {
    if (error instanceof Fault) return error.message.replaceAll(`${dir.path}/`, "").split("\n").slice(1).join("\n");
    throw error;
  }
  return "";
}

const secretFile = (text: string): string => {
  const file = dir.write("secret", text);
  chmodSync(file, 0o600);
  return file;
};

describe("[pools.NAME.cookies] secrets", () => {
  it("are written in the configuration, or in files of their own, relative to its folder", () => {
    secretFile(`${SECRET}-of-a-file\n`);
    const { config, warnings } = load(`["${SECRET}", { file = "secret" }]`);
    expect(warnings).toEqual([]);
    expect(config.pools[0]?.cookies.secrets).toEqual([
      { text: SECRET },
      { file: `${dir.path}/secret`, text: `${SECRET}-of-a-file` },
    ]);
  });

  it("are shown by nothing that prints a configuration, and the mark in their place is refused as one", () => {
    secretFile(`${SECRET}-of-a-file`);
    const { config } = load(`["${SECRET}", { file = "secret" }]`);
    const shown = renderToml(config) + JSON.stringify(writeConfig(config));
    expect(shown).not.toContain(SECRET);
    expect(shown).toContain("<not shown>");
    expect(shown).toContain(`${dir.path}/secret`);
    expect(mistakeOf('["<not shown>"]')).toContain("must have at least 32 characters");
  });

  it.each([
    ["a short one", '["short"]', "holdfast.toml:5: pools.www.cookies.secrets[0]: must have at least 32 characters"],
    ["no list", '"x"', "expected a list such as"],
    ["a number", "[7]", "must have at least 32 characters"],
    ["a file that is not there", '[{ file = "none" }]', "pools.www.cookies.secrets[0]: there is no none"],
    ["a folder", '[{ file = "." }]', "cannot be read (EISDIR)"],
    ["too many", `[${Array(17).fill(`"${SECRET}"`).join(", ")}]`, "holds more than 16 secrets"],
  ])("refuses %s", (_, secrets, expected) => {
    expect(mistakeOf(secrets)).toContain(expected);
  });

  it("never repeats a secret that is refused", () => {
    secretFile("hunter2");
    expect(mistakeOf('["hunter2"]')).not.toContain("hunter2");
    const told = mistakeOf('[{ file = "secret" }]');
    expect(told).toContain("the secret in secret must have at least 32 characters");
    expect(told).not.toContain("hunter2");
  });

  it("warns about a file that everybody may read", () => {
    chmodSync(secretFile(SECRET), 0o644);
    expect(load('[{ file = "secret" }]').warnings[0]).toMatch(/anyone may read .*secret \(chmod o-r it\)$/);
    expect(load(`["${SECRET}"]`, 0o644).warnings[0]).toMatch(/anyone may read .*holdfast.toml \(chmod o-r it, or/);
  });
});

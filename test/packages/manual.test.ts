// The manual pages: everything that can be typed or configured is in them, and man(1) has nothing to say.

import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderConfigurationManual, renderManual } from "../../scripts/deb/manual.ts";
import { item, prose } from "../../scripts/deb/roff.ts";
import { FAULTS } from "../../src/base/fault.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { EXAMPLES } from "../../src/cli/examples.ts";
import { POOL, SUPERVISOR } from "../../src/config/schema.ts";
import type { Shape } from "../../src/config/table.ts";
import { skip } from "../support/skip.ts";
import { tempDirs } from "../support/temp-dir.ts";

const EDITION = { version: "1.2.3", date: "2026-01-31" };
const MAN = "/usr/bin/man";
const MAN_DEADLINE_MS = 10_000;

/** Text as a page shows it. */
const shown = (roff: string): string =>
  roff
    .replaceAll("\\-", "-")
    .replaceAll("\\(aq", "'")
    .replaceAll(/\\f[BIR]/g, "")
    .replaceAll("\\(ti", "~")
    .replaceAll("\\e", "\\");

describe("text in man(7)", () => {
  it("keeps hyphens and quotes that can be pasted into a shell [groff_char(7)]", () => {
    expect(prose("a-b 'c' ~ ^")).toBe("a\\-b \\(aqc\\(aq \\(ti \\(ha");
  });

  it("sets what is to be typed in bold, and what is to be replaced in italics", () => {
    expect(prose("`holdfast` _command_ in snake_case_names")).toBe(
      "\\fBholdfast\\fR \\fIcommand\\fR in snake_case_names",
    );
  });

  it("has no links", () => {
    expect(prose("see [the log](log.md)")).toBe("see the log");
  });

  it("never begins a line that would be a macro", () => {
    expect(prose(".env is hidden")).toBe("\\&.env is hidden");
    expect(item("`x`", ".y")).toBe(".TP\n\\fBx\\fR\n\\&.y");
  });
});

describe("holdfast(1)", () => {
  const page = shown(renderManual(EDITION));

  it("has every command with its options and examples", () => {
    for (const command of COMMANDS.map((make) => make())) {
      expect(page).toMatch(new RegExp(`^\\.SS holdfast ${command.name()}`, "m"));
      for (const { flags } of command.options) expect(page).toContain(`\n${flags}\n`);
      for (const { line } of EXAMPLES[command.name()] ?? []) expect(page).toContain(`\n$ ${line}\n`);
    }
  });

  it("has every exit code", () => {
    for (const { exit } of Object.values(FAULTS)) if (exit !== 0) expect(page).toContain(`.TP\n${exit}\n`);
  });
});

describe("holdfast.toml(5)", () => {
  const page = shown(renderConfigurationManual(EDITION));

  it("has every option and every table", () => {
    const look = (shape: Shape): void => {
      for (const [key, entry] of Object.entries(shape)) {
        if (entry.entry === "group") {
          expect(page).toMatch(new RegExp(`^\\.SS \\[pools\\.NAME\\.(?:\\w+\\.)*${key}\\]$`, "m"));
          look(entry.shape);
        } else expect(page).toMatch(new RegExp(`^\\.TP\\n${key}(?: = .*)?$`, "m"));
      }
    };
    look(SUPERVISOR);
    look(POOL);
  });
});

const describeWithMan = existsSync(MAN)
  ? describe
  : (title: string, body: () => void) => skip(title, "there is no man (on Debian: apt-get install man-db)", body);

describeWithMan("man", () => {
  const tempDir = tempDirs();

  it.each([
    ["holdfast.1", renderManual],
    ["holdfast.toml.5", renderConfigurationManual],
  ])("shows %s without a warning", (name, render) => {
    const file = join(tempDir().path, name);
    writeFileSync(file, render(EDITION));
    const { status, stdout, stderr } = spawnSync(MAN, ["--warnings", "-E", "UTF-8", "-Tutf8", "-l", file], {
      encoding: "utf8",
      timeout: MAN_DEADLINE_MS,
      env: { ...process.env, LC_ALL: "C.UTF-8", MANWIDTH: "80" },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("Holdfast 1.2.3");
  });
});

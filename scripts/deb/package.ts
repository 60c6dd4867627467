// Everything that the Debian package installs, and what is written about it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderCompletion, type Shell } from "../../src/cli/completion.ts";
import { describeCommands } from "../../src/cli/describe.ts";
import { createProgram } from "../../src/cli/program.ts";
import { renderApacheOf } from "../render-apache.ts";
import { renderChangelog } from "./changelog.ts";
import { controlEntries, debianArchitecture } from "./control.ts";
import { renderCopyright } from "./copyright.ts";
import { renderConfigurationManual, renderManual } from "./manual.ts";
import { copies, program } from "./program.ts";
import { copy, type Entry, gzip, text } from "./tree.ts";
import { renderPackageUnits } from "./units.ts";

export interface PackageOptions {
  /** Of everything in it: the same sources and the same date make the same package. */
  readonly date: Date;
  /** `Name <address>` */
  readonly maintainer: string;
}

export interface DebianPackage {
  /** `holdfast_0.1.0-1_amd64` */
  readonly name: string;
  readonly entries: readonly Entry[];
  /** The entries of DEBIAN/. */
  readonly control: readonly Entry[];
}

/** Of the same version of Holdfast, packaged again. */
const REVISION = 1;
const DOC = "usr/share/doc/holdfast";
const POOL_FILE = "pool.d/www.toml";
/** Where Debian's shells look for what packages complete. */
const COMPLETION: Readonly<Record<Shell, string>> = {
  bash: "usr/share/bash-completion/completions/holdfast",
  zsh: "usr/share/zsh/vendor-completions/_holdfast",
  fish: "usr/share/fish/vendor_completions.d/holdfast.fish",
};

export function debianPackage(top: string, { date, maintainer }: PackageOptions): DebianPackage {
  const { version } = JSON.parse(readFileSync(join(top, "package.json"), "utf8")) as { version: string };
  const architecture = debianArchitecture(process.arch);
  const edition = { version, date: date.toISOString().slice(0, 10) };
  const debian = (name: string): string => join(top, "conf/debian", name);
  const commands = describeCommands(createProgram());
  const built = program(top);
  const entries: readonly Entry[] = [
    ...built.entries,
    copy("etc/holdfast/holdfast.toml", debian("holdfast.toml")),
    copy(`etc/holdfast/${POOL_FILE}`, debian(POOL_FILE)),
    text("etc/apache2/conf-available/holdfast.conf", renderApacheOf(debian(POOL_FILE))),
    ...renderPackageUnits().map((unit) => text(`lib/systemd/system/${unit.name}`, unit.text)),
    copy("etc/logrotate.d/holdfast", debian("logrotate")),
    copy("usr/lib/tmpfiles.d/holdfast.conf", debian("tmpfiles.conf")),
    copy("usr/share/holdfast/www/index.ts", debian("www/index.ts")),
    copy("usr/share/lintian/overrides/holdfast", debian("lintian-overrides")),
    ...Object.entries(COMPLETION).map(([shell, path]) => text(path, renderCompletion(shell as Shell, commands))),
    { path: "var/log/holdfast", mode: 0o750, content: { kind: "folder" } },
    gzip("usr/share/man/man1/holdfast.1.gz", renderManual(edition)),
    gzip("usr/share/man/man5/holdfast.toml.5.gz", renderConfigurationManual(edition)),
    text(`${DOC}/copyright`, renderCopyright(top, built)),
    gzip(`${DOC}/changelog.gz`, readFileSync(join(top, "CHANGELOG.md"), "utf8")),
    gzip(`${DOC}/changelog.Debian.gz`, renderChangelog(version, { maintainer, revision: REVISION, date })),
    copy(`${DOC}/README.md`, join(top, "README.md")),
    copy(`${DOC}/SECURITY.md`, join(top, "SECURITY.md")),
    ...copies(join(top, "docs"), `${DOC}/docs`),
    copy(`${DOC}/examples/holdfast.sample.toml`, join(top, "conf/holdfast.sample.toml")),
    ...["grafana", "prometheus"].flatMap((name) => copies(join(top, "conf", name), `${DOC}/examples/${name}`)),
    ...["guestbook", "hello"].flatMap((name) => copies(join(top, "examples", name), `${DOC}/examples/${name}`)),
  ];
  const full = `${version}-${REVISION}`;
  return {
    name: `holdfast_${full}_${architecture}`,
    entries,
    control: controlEntries(top, { version: full, architecture, maintainer }, entries),
  };
}

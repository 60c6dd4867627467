// Builds the Debian package of this checkout, as it was built and with what npm has installed; asks no
// network. `node dist/scripts/deb.js [FOLDER]`: where the package goes, default the top of the checkout.
// `--program FOLDER`: only the program with its Node, unpacked, for other kinds of images.
//
// SOURCE_DATE_EPOCH (seconds since 1970) makes it reproducible; DEBFULLNAME and DEBEMAIL sign it, as in
// all of Debian's tools.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { renderCopyright } from "./deb/copyright.ts";
import { type DebianPackage, debianPackage } from "./deb/package.ts";
import { program } from "./deb/program.ts";
import { text, writeTree } from "./deb/tree.ts";

const TOP = fileURLToPath(new URL("../../", import.meta.url));
/** dpkg-deb compresses some 150 MB. */
const BUILD_DEADLINE_MS = 600_000;

/** dpkg-deb(1) -Z: `xz` for who downloads it, `none` for who looks at it at once. */
export type Compression = "xz" | "gzip" | "none";

/** Writes `built` into `folder` and returns the path of the file. */
export function buildPackage(built: DebianPackage, folder: string, date: Date, compression: Compression): string {
  const stage = mkdtempSync(join(tmpdir(), "holdfast-deb-"));
  try {
    writeTree(stage, [...built.entries, ...built.control], seconds(date));
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${built.name}.deb`);
    execFileSync("dpkg-deb", [`-Z${compression}`, "--root-owner-group", "--build", stage, file], {
      stdio: ["ignore", "ignore", "inherit"],
      timeout: BUILD_DEADLINE_MS,
      env: { ...process.env, SOURCE_DATE_EPOCH: String(seconds(date)) },
    });
    return file;
  } finally {
    rmSync(stage, { recursive: true });
  }
}

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

function main(): void {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { program: { type: "string" } } });
  const { SOURCE_DATE_EPOCH, DEBFULLNAME = "Holdfast", DEBEMAIL = "holdfast@localhost" } = process.env;
  const date = SOURCE_DATE_EPOCH === undefined ? new Date() : new Date(Number(SOURCE_DATE_EPOCH) * 1000);
  if (values.program !== undefined) {
    const found = program(TOP);
    const copyright = text("usr/share/doc/holdfast/copyright", renderCopyright(TOP, found));
    writeTree(values.program, [...found.entries, copyright], seconds(date));
    return;
  }
  const built = debianPackage(TOP, { date, maintainer: `${DEBFULLNAME} <${DEBEMAIL}>` });
  const file = buildPackage(built, positionals[0] ?? TOP, date, "xz");
  console.log(`${file}: ${(statSync(file).size / 1024 ** 2).toFixed(1)} MiB, ${built.entries.length} files`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main();

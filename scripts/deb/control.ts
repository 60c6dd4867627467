// The control part of the package: what dpkg knows of it. [deb-control(5), Debian Policy §5 and §6]

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bytesOf, type Entry, text } from "./tree.ts";

export interface Facts {
  readonly version: string;
  readonly architecture: string;
  readonly maintainer: string;
}

/** Node's name of a processor → Debian's. The pinned Node is published for these. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

export function debianArchitecture(cpu: string): string {
  const found = ARCHITECTURES[cpu];
  if (found === undefined) throw new Error(`no package can be made on ${cpu}: the pinned Node is not published for it`);
  return found;
}

/**
 * What the bundled Node is linked with, by the symbol versions it asks for (GLIBC_2.28, GLIBCXX_3.4.21,
 * CXXABI_1.3.11; libatomic from Node 26 on), and what Holdfast calls: setpriv with --no-new-privs.
 */
const DEPENDS = [
  "adduser",
  "libatomic1 (>= 4.8)",
  "libc6 (>= 2.28)",
  "libgcc-s1 (>= 4.2)",
  "libstdc++6 (>= 7)",
  "util-linux (>= 2.31)",
] as const;

const DESCRIPTION = `persistent worker pools for TypeScript behind Apache
 Holdfast keeps TypeScript alive between requests. A supervisor keeps pools of
 worker threads that hold an app and its state (database connections, caches);
 Apache's mod_proxy_fcgi forwards requests to them over a socket.
 .
 It is to TypeScript what mod_wsgi's daemon mode is to WSGI and php-fpm is to
 PHP. The package brings the Node.js that it was tested with.`;

const SCRIPTS = ["postinst", "prerm", "postrm"] as const;

/** The entries of the folder DEBIAN/. */
export function controlEntries(top: string, facts: Facts, entries: readonly Entry[]): readonly Entry[] {
  const files = entries.filter(({ content }) => content.kind !== "link" && content.kind !== "folder");
  const read = files.map(({ path, content }) => ({
    path,
    bytes: content.kind === "link" || content.kind === "folder" ? Buffer.alloc(0) : bytesOf(content),
  }));
  return [
    text("DEBIAN/control", renderControl(facts, installedKib(read))),
    // [Debian Policy §10.7.3] what an administrator changes is never overwritten.
    text("DEBIAN/conffiles", lines(configurationFiles(entries))),
    text("DEBIAN/md5sums", lines(read.map(({ path, bytes }) => `${md5(bytes)}  ${path}`))),
    ...SCRIPTS.map((name) => text(`DEBIAN/${name}`, readFileSync(join(top, "conf/debian", name), "utf8"), 0o755)),
  ];
}

export const configurationFiles = (entries: readonly Entry[]): readonly string[] =>
  entries
    .filter(({ path, content }) => path.startsWith("etc/") && content.kind !== "folder")
    .map(({ path }) => `/${path}`)
    .toSorted();

function renderControl({ version, architecture, maintainer }: Facts, kib: number): string {
  return [
    "Package: holdfast",
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${kib}`,
    `Depends: ${DEPENDS.join(", ")}`,
    // Apache may be on another machine.
    "Suggests: apache2 (>= 2.4.63), logrotate",
    "Section: httpd",
    "Priority: optional",
    `Description: ${DESCRIPTION}`,
    "",
  ].join("\n");
}

/** [deb-substvars(5)] each file in whole KiB. */
const installedKib = (files: readonly { readonly bytes: Buffer }[]): number =>
  files.reduce((sum, { bytes }) => sum + Math.ceil(bytes.length / 1024), 0);

const md5 = (bytes: Buffer): string => createHash("md5").update(bytes).digest("hex");
const lines = (list: readonly string[]): string => list.map((line) => `${line}\n`).join("");

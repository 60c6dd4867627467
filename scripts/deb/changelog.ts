// CHANGELOG.md as Debian's changelog: what `apt changelog` and dpkg's tools read. [deb-changelog(5)]

export interface Signature {
  /** `Name <address>` */
  readonly maintainer: string;
  readonly revision: number;
  readonly date: Date;
}

/** The newest version only: the package was made of it, at that time. */
export function renderChangelog(version: string, { maintainer, revision, date }: Signature): string {
  return [
    `holdfast (${version}-${revision}) unstable; urgency=medium`,
    "",
    `  * Holdfast ${version}: see /usr/share/doc/holdfast/changelog.gz.`,
    "",
    ` -- ${maintainer}  ${formatDate(date)}`,
    "",
  ].join("\n");
}

/** [RFC 5322 §3.3] in UTC: `Sat, 31 Jan 2026 12:00:00 +0000` */
const formatDate = (date: Date): string => date.toUTCString().replace("GMT", "+0000");

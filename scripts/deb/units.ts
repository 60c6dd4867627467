// The unit that comes with the package. What `holdfast systemd` prints is made for the pools of one
// configuration; a package is there before they are, so what depends on them is left open.

import { readTable } from "../../src/config/read.ts";
import { SUPERVISOR } from "../../src/config/schema.ts";
import { renderUnits, type UnitFile } from "../../src/deploy/systemd.ts";

/** The oldest systemd of a Debian that has a Node's libraries: 12, bookworm. */
const SYSTEMD = 252;

/** Files for /lib/systemd/system. */
export function renderPackageUnits(): readonly UnitFile[] {
  const supervisor = readTable(SUPERVISOR, {}, (path, message) => {
    throw new Error(`the default of ${path.join(".")} ${message}`);
  });
  const units = renderUnits(
    { supervisor: supervisor as Required<typeof supervisor>, pools: [] },
    {
      layout: "supervisor",
      configFile: "/etc/holdfast/holdfast.toml",
      program: ["/usr/bin/holdfast"],
      systemdVersion: SYSTEMD,
      // The Node in the package is newer than 26.1.
      notifiesAsItself: true,
    },
  );
  return units.map(({ name, text }) => ({ name, text: `${text}\n${LEFT_OPEN}` }));
}

/** A section that comes again adds to the first; of a setting that is there twice, the last counts. */
const LEFT_OPEN = `# For pools that are not known yet. \`holdfast systemd\` prints units that are made for yours, with sockets that
# outlive a restart; in /etc/systemd/system they take the place of this one.
[Service]
# A pool may live there.
ProtectHome=read-only
# The longest boot_timeout of a pool, and some seconds.
TimeoutStartSec=120s
`;

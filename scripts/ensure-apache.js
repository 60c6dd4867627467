// Before `npm start`: sees to it that Apache's program is there, without its service. Plain
// JavaScript for any Node from 18 on, because it runs before anything of ours is chosen. It asks
// nothing and always ends with 0: without Apache, `holdfast serve` uses its built-in front.

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const PACKAGE = "apache2-bin";
const INSTALL = ["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=60", PACKAGE];
const DEADLINE_MS = 180_000;

function find(...names) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin", "/usr/bin", "/sbin"];
  const paths = folders.filter(Boolean).flatMap((folder) => names.map((name) => join(folder, name)));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What goes before apt-get; undefined when it may not be run without asking. */
function privilege() {
  if (process.getuid?.() === 0) return [];
  const sudo = find("sudo");
  if (sudo === undefined) return undefined;
  const mayRun = spawnSync(sudo, ["-n", "true"], { stdio: "ignore", timeout: 5000 }).status === 0;
  return mayRun ? [sudo, "-n"] : undefined;
}

function run(prefix, apt, args, deadline) {
  // policy-rc.d would be the other way not to start a service; apache2-bin has none to start.
  const environment = ["DEBIAN_FRONTEND=noninteractive", "APT_LISTCHANGES_FRONTEND=none"];
  const [command, ...rest] = [...prefix, "env", ...environment, apt, ...args];
  console.log(`> ${["apt-get", ...args].join(" ")}`);
  const timeout = Math.max(1, deadline - Date.now());
  return spawnSync(command, rest, { stdio: ["ignore", "inherit", "inherit"], timeout }).status === 0;
}

function explain(reason) {
  console.log(`holdfast: ${reason}; the built-in HTTP front is used instead.`);
  console.log(
    `To have Apache in front: apt-get install --no-install-recommends ${PACKAGE} (dnf install httpd, apk add apache2 apache2-proxy).`,
  );
}

function main() {
  if (find("apache2", "httpd") !== undefined) return;
  const apt = find("apt-get");
  if (apt === undefined) return explain("Apache is not installed and there is no apt-get");
  const prefix = privilege();
  if (prefix === undefined) return explain("Apache is not installed, and installing it needs root");
  console.log(`holdfast: installing Apache's program (${PACKAGE}, no service)`);
  const deadline = Date.now() + DEADLINE_MS;
  // The lists may be there already, or a mirror may be down: the installation decides.
  const updated = run(prefix, apt, ["update"], deadline);
  if (run(prefix, apt, INSTALL, deadline)) return;
  explain(`Apache could not be installed${updated ? "" : " (apt-get update failed)"}`);
}

main();

// After a change of dependencies: writes into package-lock.json what a registry mirror may not have had,
// the optional packages of platforms other than this one. npm 11 refuses a lock without them, on every
// platform. Their os, cpu and libc are read from their names, which is where their makers put them.

import { readFileSync, writeFileSync } from "node:fs";

const LOCK = "package-lock.json";
const SYSTEMS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32", "aix", "netbsd", "openbsd", "sunos"];
const PROCESSORS = ["arm64", "arm", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"];

const lock = JSON.parse(readFileSync(LOCK, "utf8"));
const added = [];
for (const owner of Object.values(lock.packages)) {
  for (const [name, range] of Object.entries(owner.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined) continue;
    lock.packages[key] = entryOf(name, range, owner.dev === true);
    added.push(name);
  }
}
const byName = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries(byName);
writeFileSync(LOCK, `${JSON.stringify(lock, undefined, 2)}\n`);
console.log(added.length === 0 ? "the lock is complete" : `added ${added.length}: ${added.join(", ")}`);

function entryOf(name, range, dev) {
  const words = name.split("/").at(-1).split("-");
  const find = (known) => known.find((each) => words.includes(each));
  const cpu = find(PROCESSORS);
  const os = find(SYSTEMS);
  return {
    version: range.replace(/^[\^~]/, ""),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(dev ? { dev: true } : {}),
    ...(words.includes("musl") ? { libc: ["musl"] } : {}),
    ...(words.includes("gnu") ? { libc: ["glibc"] } : {}),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
  };
}

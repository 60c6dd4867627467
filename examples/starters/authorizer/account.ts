// node account.ts NAME < password: writes an account into accounts.json.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { hashOf } from "./_passwords.ts";

const FILE = join(import.meta.dirname, "accounts.json");

const [name] = process.argv.slice(2);
const password = (await text(process.stdin)).replace(/\r?\n$/, "");
if (name === undefined || name === "" || password === "") {
  console.error("usage: node account.ts NAME < file with the password");
  process.exit(64);
}
const accounts = JSON.parse(readFileSync(FILE, "utf8")) as Record<string, string>;
accounts[name] = await hashOf(password);
writeFileSync(FILE, `${JSON.stringify(accounts, undefined, 2)}\n`, { mode: 0o600 });
console.log(`${name} may come in after a reload`);

// What Apache must never send, whatever else is configured. Apache sends a file as text when no
// handler takes it, so sources are denied first, outside any <IfModule>, and opened again only
// where mod_proxy_fcgi is there to take them.

import { comment, literally, section } from "./directives.ts";

/** Files that a pool with `root` runs. */
const HANDLERS = "(?:m?ts|ts[xp]|jsx|m?js)";
/** Sources that no browser asks for; denied wherever they lie. */
const SOURCE = "\\.(?:ts|tsx|mts|cts|jsx|tsp)(?:[~.].*)?$";
/** Sources that browsers do ask for, elsewhere. */
const SCRIPT = "\\.(?:m?js)(?:[~.].*)?$";
/** Copies, settings and what editors leave behind. */
const LEFTOVER =
  "(?:~|\\.(?:bak|old|orig|save|sw[op]|tmp|env|log|toml)(?:[.-].*)?)$|^#.*#$|^(?:package(?:-lock)?|tsconfig.*)\\.json$";

const DENIED_NAME = new RegExp([SOURCE, SCRIPT, LEFTOVER].join("|"), "i");

const DENIED = "Require all denied";

/** For the whole server or virtual host. */
export function denySources(): string[] {
  return [
    ...comment(
      "Sources and their copies are never sent, even when mod_proxy_fcgi is not loaded or a handler is mistyped.",
      "(This covers video segments named .ts too: grant them again in the <Directory> of their folder.)",
    ),
    ...section("FilesMatch", `"(?i)${SOURCE}"`, DENIED),
  ];
}

/** Inside the `<Directory>` of a root: everything that could be a source, a copy or a setting. */
export function denyInRoot(): string[] {
  return [...section("FilesMatch", `"(?i)${SCRIPT}"`, DENIED), ...section("FilesMatch", `"(?i)${LEFTOVER}"`, DENIED)];
}

/** Names that no URL reaches: hidden ones (but /.well-known/), packages, and with `underscore` helpers too. */
export function denyHidden(mount: string, underscore: boolean): string[] {
  const names = `\\.(?!well-known(?:/|$))|node_modules(?:/|$)${underscore ? "|_" : ""}`;
  return section("LocationMatch", `"^${literally(mount)}/(?:.*/)?(?:${names})"`, DENIED);
}

/** File names that are handlers: not hidden, not helpers, not type declarations. */
export const HANDLER_FILES = `"^(?![._])(?!.*\\.d\\.[cm]?ts$).+\\.${HANDLERS}$"`;

/** Whether Apache sends a file of a root by itself: it is no handler, and nothing above denies it. */
export function isSentByApache(name: string): boolean {
  return isNamedByUrls(name) && !DENIED_NAME.test(name);
}

/** A file or folder whose name `denyHidden` leaves alone. */
export function isNamedByUrls(name: string): boolean {
  return !/^(?:\.(?!well-known$)|_|node_modules$)/.test(name);
}

export function isHandlerFile(name: string): boolean {
  return new RegExp(`\\.${HANDLERS}$`).test(name);
}

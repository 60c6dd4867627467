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

const DENIED_NAMES = [SOURCE, SCRIPT, LEFTOVER].join("|");
const DENIED_NAME = new RegExp(DENIED_NAMES, "i");

const DENIED = "Require all denied";
/** Apache merges an <If> after each <Location>, whose own `Require` would otherwise open what was denied before it. */
const DENIED_FINALLY = section("If", '"true"', DENIED);

/** File names that are handlers: not hidden, not helpers, not type declarations. */
const HANDLER_NAME = `(?![._])(?!.*\\.d\\.[cm]?ts$).+\\.${HANDLERS}$`;
export const HANDLER_FILES = `"^${HANDLER_NAME}"`;

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

/** Inside the `<Directory>` of a root whose handlers run: everything that could be a source, a copy or a setting. */
export function denyBesideHandlers(whenLoaded: string): string[] {
  return [
    ...section("FilesMatch", `"(?i)${SCRIPT}"`, DENIED),
    ...section("FilesMatch", `"(?i)${LEFTOVER}"`, DENIED),
    ...comment("Once more, for good: an access rule in a <Location> opens handlers, and nothing of the others."),
    ...section("FilesMatch", `"^(?!${HANDLER_NAME})(?i:.*(?:${DENIED_NAMES}))"`, DENIED_FINALLY),
    ...section("IfModule", `!${whenLoaded}`, section("FilesMatch", HANDLER_FILES, DENIED_FINALLY)),
  ];
}

/** The same where Apache runs none of them. */
export function denyInRoot(): string[] {
  return [
    ...comment("For good: an access rule in a <Location> opens none of them, only an <If> does."),
    ...section("FilesMatch", `"(?i)${DENIED_NAMES}"`, DENIED, DENIED_FINALLY),
  ];
}

/** Names that no URL reaches: hidden ones (but /.well-known/), packages, and with `underscore` helpers too. */
export function denyHidden(mount: string, underscore: boolean): string[] {
  const names = `\\.(?!well-known(?:/|$))|node_modules(?:/|$)${underscore ? "|_" : ""}`;
  return section("LocationMatch", `"^${literally(mount)}/(?:.*/)?(?:${names})"`, DENIED, DENIED_FINALLY);
}

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

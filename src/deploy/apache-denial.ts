// What Apache must never send, whatever else is configured. Apache sends a file as text when no
// handler takes it, so sources are denied first, outside any <IfModule>, and opened again only
// where mod_proxy_fcgi is there to take them.

import { comment, literally, section } from "./directives.ts";

/** Files that a pool with `root` runs. */
const HANDLERS = "(?:m?ts|ts[xp]|jsx|m?js)";
/** Sources that no browser asks for; denied wherever they lie. */
const SOURCES = "(?:ts|tsx|mts|cts|jsx|tsp)";
const LEFTOVERS = "(?:bak|old|orig|save|sw[op]|tmp|env|log|toml)";

const DENIED = "Require all denied";

/** For the whole server or virtual host. */
export function denySources(): string[] {
  return [
    ...comment(
      "Sources and their copies are never sent, even when mod_proxy_fcgi is not loaded or a handler is mistyped.",
      "(This covers video segments named .ts too: grant them again in the <Directory> of their folder.)",
    ),
    ...section("FilesMatch", `"(?i)\\.${SOURCES}(?:[~.].*)?$"`, DENIED),
  ];
}

/** Inside the `<Directory>` of a root: everything that could be a source, a copy or a setting. */
export function denyInRoot(): string[] {
  return [
    ...section("FilesMatch", '"(?i)\\.(?:m?js)(?:[~.].*)?$"', DENIED),
    ...section(
      "FilesMatch",
      `"(?i)(?:~|\\.${LEFTOVERS}(?:[.-].*)?)$|^#.*#$|^(?:package(?:-lock)?|tsconfig.*)\\.json$"`,
      DENIED,
    ),
  ];
}

/** Names that no URL reaches: hidden ones (but /.well-known/), packages, and with `underscore` helpers too. */
export function denyHidden(mount: string, underscore: boolean): string[] {
  const names = `\\.(?!well-known(?:/|$))|node_modules(?:/|$)${underscore ? "|_" : ""}`;
  return section("LocationMatch", `"^${literally(mount)}/(?:.*/)?(?:${names})"`, DENIED);
}

/** File names that are handlers: not hidden, not helpers, not type declarations. */
export const HANDLER_FILES = `"^(?![._])(?!.*\\.d\\.[cm]?ts$).+\\.${HANDLERS}$"`;

export function isHandlerFile(name: string): boolean {
  return new RegExp(`\\.${HANDLERS}$`).test(name);
}

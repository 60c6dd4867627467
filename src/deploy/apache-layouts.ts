// The three ways to mount a pool in Apache. Each returns what belongs into the virtual host, beside
// the worker that apache-backend.ts declares. Everything that needs mod_proxy_fcgi stands inside its
// <IfModule>; what denies stands outside.

import { Fault } from "../base/fault.ts";
import type { PoolConfig } from "../config/schema.ts";
import { backendHandler, backendUrl } from "./apache-backend.ts";
import { denyBesideHandlers, denyHidden, denyInRoot, HANDLER_FILES, isHandlerFile } from "./apache-denial.ts";
import { comment, type Lines, literally, quote, quoteFolder, section } from "./directives.ts";

export const LAYOUTS = ["files", "prefix", "front-controller"] as const;
export type ApacheLayout = (typeof LAYOUTS)[number];

const WHEN_LOADED = "proxy_fcgi_module";

/** What every request to a pool needs, wherever it is mounted. */
const REQUEST_SETTINGS = [
  ...comment("SCRIPT_FILENAME as a plain path; Content-Length as the app gave it; the Authorization header."),
  "ProxyFCGIBackendType GENERIC",
  "SetEnv ap_trust_cgilike_cl 1",
  "CGIPassAuth On",
];

/**
 * Files of `root` become handlers by their extension, as with mod_php. Apache serves the other files,
 * and what it finds no file for (`/about` for about.ts, a folder without index) goes to the pool.
 */
export function filesLayout(pool: PoolConfig, root: string): string[] {
  const inner = innerPath(pool);
  const plainIndexes = pool.index.filter((name) => !isHandlerFile(name));
  return [
    ...documents(pool, root),
    ...section(
      "Directory",
      quoteFolder(root),
      folderSettings(),
      denyBesideHandlers(WHEN_LOADED),
      section(
        "IfModule",
        WHEN_LOADED,
        REQUEST_SETTINGS,
        `DirectoryIndex ${[...pool.index, inner].map(quote).join(" ")}`,
        `FallbackResource ${quote(inner)}`,
        plainIndexes.length === 0
          ? []
          : section(
              "FilesMatch",
              `"^(?:${plainIndexes.map(literally).join("|")})$"`,
              comment("Looking for an index must not find the fallback instead."),
              "FallbackResource disabled",
            ),
        comment("Apache would look PATH_INFO up as a URL of its own, and find the fallback."),
        'ProxyFCGISetEnvIf "true" "!PATH_TRANSLATED"',
        section("FilesMatch", HANDLER_FILES, "Require all granted", `SetHandler ${quote(backendHandler(pool))}`),
      ),
    ),
    ...denyHidden(pool.mount, true),
    ...innerMount(pool, inner),
  ];
}

/** Every URL under the pool's mount goes to the pool; Apache looks at no file. */
export function prefixLayout(pool: PoolConfig): string[] {
  const at = pool.mount === "" ? "/" : pool.mount;
  // Slash to slash: without a mount both sides end in one, with a mount neither does.
  const to = pool.mount === "" ? `${backendUrl(pool)}/` : backendUrl(pool);
  return [
    ...(pool.mount === ""
      ? comment("Folders that Apache serves itself go before this line:", 'ProxyPass "/static/" "!"')
      : comment("Folders that Apache serves itself go before this line:", `ProxyPass "${pool.mount}/static/" "!"`)),
    ...section(
      "IfModule",
      WHEN_LOADED,
      `ProxyPass ${quote(at)} ${quote(to)}`,
      section("Location", quote(at), REQUEST_SETTINGS, withoutFilename()),
    ),
  ];
}

/** Files that exist in `documents` are Apache's; everything else goes to the pool. */
export function frontControllerLayout(pool: PoolConfig, documentRoot: string): string[] {
  const inner = innerPath(pool);
  return [
    ...documents(pool, documentRoot),
    ...section(
      "Directory",
      quoteFolder(documentRoot),
      folderSettings(),
      pool.root === undefined ? [] : denyInRoot(),
      section(
        "IfModule",
        WHEN_LOADED,
        `DirectoryIndex index.html ${quote(inner)}`,
        `FallbackResource ${quote(inner)}`,
        section(
          "Files",
          '"index.html"',
          comment("Looking for an index must not find the fallback instead."),
          "FallbackResource disabled",
        ),
      ),
    ),
    ...denyHidden(pool.mount, pool.root !== undefined),
    ...innerMount(pool, inner),
  ];
}

/**
 * Where FallbackResource and DirectoryIndex send a request inside Apache. REQUEST_URI stays what the
 * client asked for, and the pool goes by that. Asked for directly it is one more URL without a file.
 */
function innerPath(pool: PoolConfig): string {
  return `/-holdfast-${pool.name}`;
}

function innerMount(pool: PoolConfig, inner: string): string[] {
  return section(
    "IfModule",
    WHEN_LOADED,
    comment("The inner address of the pool, for requests that Apache finds no file for."),
    `ProxyPass ${quote(inner)} ${quote(backendUrl(pool))}`,
    section("Location", quote(inner), REQUEST_SETTINGS, withoutFilename()),
  );
}

/** With ProxyPass SCRIPT_FILENAME is a URL path that only looks like a file's. */
function withoutFilename(): Lines {
  return 'ProxyFCGISetEnvIf "true" "!SCRIPT_FILENAME"';
}

function documents(pool: PoolConfig, folder: string): string[] {
  return [pool.mount === "" ? `DocumentRoot ${quote(folder)}` : `Alias ${quote(pool.mount)} ${quote(folder)}`];
}

function folderSettings(): Lines {
  return [
    ...comment(
      "No listings, no guessed names, symbolic links only to files of the same owner; no .htaccess,",
      "whose authors could name any socket that Apache may open.",
    ),
    "Options SymLinksIfOwnerMatch",
    "AllowOverride None",
    "Require all granted",
  ];
}

/** The layout that suits a pool: its files when it has a root of handlers, else one prefix for all. */
export function defaultLayout(pool: PoolConfig): ApacheLayout {
  return pool.root === undefined || holdsPrograms(pool) ? "prefix" : "files";
}

/** Any file of the root may be a program: Apache, which knows handlers by their extension, would send its text. */
export function holdsPrograms({
  kind,
  root,
}: {
  readonly kind: PoolConfig["kind"];
  readonly root?: string | undefined;
}): boolean {
  return kind === "cgi" && root !== undefined;
}

function refusePrograms(pool: PoolConfig, folder: string): void {
  const { root = "" } = pool;
  const holdsRoot = `${root}/`.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
  if (!holdsPrograms(pool) || !holdsRoot) return;
  throw new Fault("USAGE", `pool ${pool.name} runs CGI programs, whose text Apache would send from ${folder}`, {
    hint: "with --layout prefix Apache looks at no file",
  });
}

/** Directives for one pool. Throws Fault USAGE when the layout does not suit the pool. */
export function layoutDirectives(pool: PoolConfig, layout: ApacheLayout, documentRoot: string | undefined): string[] {
  switch (layout) {
    case "files":
      if (pool.root === undefined) {
        throw new Fault("USAGE", `pool ${pool.name} has no root whose files could be handlers`, {
          hint: "an app answers every URL itself: --layout prefix or front-controller",
        });
      }
      refusePrograms(pool, pool.root);
      return filesLayout(pool, pool.root);
    case "prefix":
      return prefixLayout(pool);
    case "front-controller": {
      const folder = documentRoot ?? pool.root;
      if (folder === undefined) {
        throw new Fault("USAGE", `pool ${pool.name} has no folder of files for Apache to serve`, {
          hint: "name one that holds no sources: --document-root /srv/shop/public",
        });
      }
      refusePrograms(pool, folder);
      return frontControllerLayout(pool, folder);
    }
  }
}

// The configuration of an Apache of our own: everything it reads and writes lies in one folder, and it
// runs in the foreground as our child. Pure text; front/apache.ts finds the program and runs it.

import { comment, type Lines, quote, render, section } from "./directives.ts";

export interface PrivateApache {
  /** Holds the configuration, logs and pid file; absolute. */
  readonly folder: string;
  readonly modulesFolder: string;
  readonly host: string;
  readonly port: number;
  /** Accounts for Apache's children; only when it is started by root. */
  readonly account: { readonly user: string; readonly group: string } | undefined;
  /** Names of modules without `mod_`; default: PRIVATE_MODULES. */
  readonly modules?: readonly string[];
  /** What the server is for: directives at server level. */
  readonly site: readonly Lines[];
}

/** Names of the files in the folder. */
export const PRIVATE_FILES = {
  config: "apache.conf",
  pid: "apache.pid",
  errorLog: "error.log",
  accessLog: "access.log",
  mimeTypes: "mime.types",
} as const;

// Debian builds log_config and unixd in, others build them as modules: each is loaded if it is not there.
export const PRIVATE_MODULES: readonly string[] = [
  "mpm_event",
  "unixd",
  "log_config",
  "authz_core",
  "alias",
  "dir",
  "env",
  "setenvif",
  "mime",
  "reqtimeout",
  "proxy",
  "proxy_fcgi",
];

/** The whole file. Blocking proxy threads: 4 processes × 64 are requests that may be open at once. */
export function renderPrivateApache(server: PrivateApache): string {
  const file = (name: string): string => quote(`${server.folder}/${name}`);
  const address = server.host.includes(":") ? `[${server.host}]` : server.host;
  return render(
    comment("Written by `holdfast serve` for an Apache of its own; gone when that ends."),
    `ServerRoot ${quote(server.folder)}`,
    (server.modules ?? PRIVATE_MODULES).flatMap((name) =>
      section(
        "IfModule",
        `!${name}_module`,
        `LoadModule ${name}_module ${quote(`${server.modulesFolder}/mod_${name}.so`)}`,
      ),
    ),
    server.account === undefined ? [] : [`User ${quote(server.account.user)}`, `Group ${quote(server.account.group)}`],
    `Listen ${address}:${server.port}`,
    `ServerName ${address}:${server.port}`,
    "ServerTokens Prod",
    "TraceEnable Off",
    `PidFile ${file(PRIVATE_FILES.pid)}`,
    `DefaultRuntimeDir ${quote(server.folder)}`,
    `ErrorLog ${file(PRIVATE_FILES.errorLog)}`,
    "LogLevel warn",
    'LogFormat "%h %t \\"%r\\" %>s %B %Dus" holdfast',
    `CustomLog ${file(PRIVATE_FILES.accessLog)} holdfast`,
    `TypesConfig ${file(PRIVATE_FILES.mimeTypes)}`,
    "AddDefaultCharset utf-8",
    "AddCharset utf-8 .css .csv .js .json .md .mjs .svg .txt .xml",
    "StartServers 1",
    "ServerLimit 4",
    "ThreadsPerChild 64",
    "MaxRequestWorkers 256",
    "MinSpareThreads 32",
    "MaxSpareThreads 256",
    "KeepAlive On",
    "MaxKeepAliveRequests 0",
    "RequestReadTimeout header=20-40,minrate=500 body=20,minrate=500",
    section("Directory", '"/"', "AllowOverride None", "Require all denied"),
    ...server.site,
  );
}

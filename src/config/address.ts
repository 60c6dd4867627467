// Where a pool can be reached. Pure.

/** An address that the supervisor binds, or takes over from systemd. */
export type ListenAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "systemd"; readonly name: string };

/** As it is written in the configuration. */
export function formatAddress(listen: ListenAddress): string {
  switch (listen.kind) {
    case "unix":
      return listen.path;
    case "tcp":
      return listen.host.includes(":") ? `[${listen.host}]:${listen.port}` : `${listen.host}:${listen.port}`;
    case "systemd":
      return `systemd:${listen.name}`;
  }
}

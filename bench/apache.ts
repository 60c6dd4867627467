// The one Apache of a run: event MPM, every peer mounted in it, everything in the run's folder.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../src/base/fault.ts";
import { freePorts } from "../src/front/free-ports.ts";
import { type Child, startChild } from "./child.ts";
import type { Additions, Peer, Surroundings } from "./peer.ts";
import { which } from "./which.ts";

const MODULES = ["mpm_event", "unixd", "authz_core", "env", "proxy", "proxy_fcgi", "proxy_http"];
const PROCESSES = 2;
const THREADS_PER_PROCESS = 64;
/** As many connections to one backend as Apache may keep. */
export const APACHE_CONNECTIONS = PROCESSES * THREADS_PER_PROCESS;

export interface Mounted {
  readonly peer: Peer;
  readonly socket: string;
}

export interface Apache extends Child {
  readonly port: number;
  readonly version: string;
}

export const apacheProgram = () => which("apache2", "httpd");

/** URL of a peer's reply as mounted by ProxyPass and by SetHandler. */
export const proxyPassPath = (peer: Pick<Peer, "id" | "path">, name = "hello") => `/${peer.id}/${peer.path(name)}`;
export const setHandlerPath = (peer: Peer) => `/${peer.id}-files/hello.ts`;

export async function startApache(
  around: Surroundings,
  mounts: readonly Mounted[],
  additions: Additions = { modules: [], text: "" },
): Promise<Apache> {
  const { folder } = around;
  const program = apacheProgram();
  if (program === undefined) {
    throw new Fault("LISTEN", "no Apache is installed", { hint: "apt-get install apache2-bin" });
  }
  const [port = 0] = await freePorts("127.0.0.1", 1);
  const config = join(folder, "apache.conf");
  for (const { peer } of mounts) {
    const files = join(folder, "www", dirname(setHandlerPath(peer)));
    mkdirSync(files, { recursive: true });
    writeFileSync(join(files, "hello.ts"), "");
  }
  writeFileSync(config, render({ program, around, mounts, port, additions }));
  const child = await startChild(
    {
      command: program,
      args: ["-d", folder, "-f", config, "-DFOREGROUND"],
      logFile: join(folder, "apache.out"),
    },
    port,
  );
  const version = /Apache\/(\S+)/.exec(execFileSync(program, ["-v"], { encoding: "utf8" }))?.[1] ?? "unknown";
  return { ...child, port, version };
}

interface Rendering {
  readonly program: string;
  readonly around: Surroundings;
  readonly mounts: readonly Mounted[];
  readonly port: number;
  readonly additions: Additions;
}

function render({ program, around, mounts, port, additions }: Rendering): string {
  const { folder, user } = around;
  const modules = modulesFolder(program);
  const builtIn = execFileSync(program, ["-l"], { encoding: "utf8" });
  const load = [...new Set([...MODULES, ...additions.modules])]
    .filter((name) => !builtIn.includes(`mod_${name}.c`) && !builtIn.includes(`${name}.c`))
    .map((name) => `LoadModule ${name}_module ${join(modules, `mod_${name}.so`)}`);
  return `${load.join("\n")}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
${user === undefined ? "" : `User ${user.name}\nGroup ${user.group}`}
PidFile "${join(folder, "apache.pid")}"
DefaultRuntimeDir "${folder}"
ErrorLog "${join(folder, "apache.log")}"
LogLevel warn
DocumentRoot "${join(folder, "www")}"
ServerTokens Prod

StartServers ${PROCESSES}
ServerLimit ${PROCESSES}
ThreadsPerChild ${THREADS_PER_PROCESS}
ThreadLimit ${THREADS_PER_PROCESS}
MaxRequestWorkers ${APACHE_CONNECTIONS}
MinSpareThreads 1
MaxSpareThreads ${APACHE_CONNECTIONS}
MaxConnectionsPerChild 0
ListenBacklog 4096

KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
Timeout 600
ProxyTimeout 600
SetEnv ap_trust_cgilike_cl 1

<Directory "${join(folder, "www")}">
    AllowOverride None
    Require all granted
</Directory>
${mounts.map((mounted) => mount(around, mounted)).join("\n")}
${additions.text}`;
}

function mount(around: Surroundings, { peer, socket }: Mounted): string {
  // A worker is known by its name alone, so each mount has a name of its own.
  const proxyPass = `ProxyPass "/${peer.id}/" "unix:${socket}|${peer.protocol}://bench-${peer.id}${peer.base(around)}" ${peer.worker}\n`;
  if (!peer.setHandler) return proxyPass;
  const target = `unix:${socket}|fcgi://bench-${peer.id}-files`;
  return `${proxyPass}<Proxy "${target}">
    ProxySet ${peer.worker}
</Proxy>
<Directory "${join(around.folder, "www", `${peer.id}-files`)}">
    <FilesMatch "\\.ts$">
        SetHandler "proxy:${target}"
    </FilesMatch>
</Directory>
`;
}

/** Why a peer that needs this module cannot be measured; undefined where Apache has it. */
export function moduleMissing(name: string, from: string): string | undefined {
  const program = apacheProgram();
  if (program === undefined) return "no Apache";
  return existsSync(join(modulesFolder(program), `mod_${name}.so`)) ? undefined : `no mod_${name} (${from})`;
}

function modulesFolder(program: string): string {
  // It fails where the default configuration is missing, after it has said all this.
  const { stdout } = spawnSync(program, ["-V"], { encoding: "utf8" });
  const root = /HTTPD_ROOT="([^"]+)"/.exec(stdout)?.[1] ?? "/etc/httpd";
  const folders = ["/usr/lib/apache2/modules", join(root, "modules"), "/usr/lib64/httpd/modules"];
  const found = folders.find((folder) => existsSync(join(folder, "mod_proxy_fcgi.so")));
  if (found === undefined) throw new Fault("LISTEN", `no mod_proxy_fcgi.so in ${folders.join(", ")}`);
  return found;
}
